-- Leads as Odoo keeps them, by the names and types of its columns (github.com/odoo/odoo, addons/crm): integer keys, a stage
-- that is a number, and a write_date without a zone, which cannot be the version: a column is added.
CREATE SCHEMA odoo;
SET search_path = odoo, public;

CREATE TABLE crm_stage (
    id       serial PRIMARY KEY,
    sequence integer,
    name     jsonb NOT NULL,
    is_won   boolean
);
INSERT INTO crm_stage (sequence, name, is_won)
VALUES (1, '{"en_US": "New"}', false), (2, '{"en_US": "Qualified"}', false), (3, '{"en_US": "Won"}', true);

CREATE TABLE crm_lead (
    id               serial PRIMARY KEY,
    campaign_id      integer,
    user_id          integer,
    team_id          integer,
    company_id       integer,
    stage_id         integer REFERENCES crm_stage ON DELETE RESTRICT,
    partner_id       integer,
    name             varchar NOT NULL,
    email_from       varchar,
    phone            varchar,
    type             varchar NOT NULL DEFAULT 'opportunity',
    priority         varchar,
    description      text,
    expected_revenue numeric,
    probability      double precision,
    active           boolean DEFAULT true,
    date_deadline    date,
    create_uid       integer,
    create_date      timestamp,
    write_uid        integer,
    write_date       timestamp
);
CREATE INDEX ON crm_lead (stage_id);
CREATE INDEX ON crm_lead (user_id);

INSERT INTO crm_lead (name, stage_id, expected_revenue, description, create_date, write_date)
SELECT 'Lead ' || i, 1, i * 1000, format('[1/%s/2024, 9:00:00 AM] mitchell: Called about offer %s', i % 28 + 1, i), now(), now()
FROM generate_series(1, 50) i;

SELECT crm_attach('crm_lead', status_column => 'stage_id', version_column => 'row_version', comments_column => 'description');
