-- Texts in databases of other encodings: what is white space there is blank.
SET client_min_messages = warning;
SELECT current_database() AS regression \gset
CREATE DATABASE regress_crm_latin1 TEMPLATE template0 ENCODING LATIN1 LOCALE 'C';
CREATE DATABASE regress_crm_win1252 TEMPLATE template0 ENCODING WIN1252 LOCALE 'C';
CREATE DATABASE regress_crm_euc_jp TEMPLATE template0 ENCODING EUC_JP LOCALE 'C';
-- no-break space, U+0085 where the encoding has it, ideographic space, and what is no white space
\set try 'CREATE EXTENSION crm_concurrency; SELECT crm_create_tables(); INSERT INTO customers (id, updated_at) VALUES (1, ''2026-01-05 10:00:00.123+00''); CREATE FUNCTION said(bytea) RETURNS text LANGUAGE sql AS $$ SELECT convert_from($1, getdatabaseencoding()) $$; CREATE FUNCTION state(bytea) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM crm_add_comment(1, said($1), ''ana''); RETURN ''added''; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$;'
\c regress_crm_latin1
SET client_min_messages = warning;
SET client_encoding = UTF8;
:try
SELECT bytes, state(bytes) FROM unnest('{"\\xa0", "\\x20a00a", "\\x85", "\\xa0e9", "\\xe3"}'::bytea[]) bytes;
SELECT outcome, comment_id FROM crm_update_customer(1, '2026-01-05 10:00:00.123+00', NULL, said('\xa0'), 'ana');
-- a line of it is a blank line between two comments
SELECT crm_import_comments(1, said('\x5b312f322f323032362c20333a30343a303520504d5d20616e613a204f6e650aa00a5b312f332f323032362c20333a30343a303520504d5d2062656e3a2054776f')) AS imported;
\c regress_crm_win1252
SET client_min_messages = warning;
SET client_encoding = UTF8;
:try
SELECT bytes, state(bytes) FROM unnest('{"\\xa0", "\\x85", "\\x80"}'::bytea[]) bytes;
\c regress_crm_euc_jp
SET client_min_messages = warning;
SET client_encoding = UTF8;
:try
SELECT bytes, state(bytes) FROM unnest('{"\\xa1a1", "\\x20a1a1a1a1", "\\xa1a2"}'::bytea[]) bytes;
\c :regression
DROP DATABASE regress_crm_latin1;
DROP DATABASE regress_crm_win1252;
DROP DATABASE regress_crm_euc_jp;
