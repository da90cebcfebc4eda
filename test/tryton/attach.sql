-- What the owner of Tryton's tables does once.
CREATE SCHEMA crm;
CREATE EXTENSION crm_concurrency SCHEMA crm;
SELECT crm.crm_attach('party_party', status_column => NULL, also_bump => '{write_date}', companions_schema => 'crm');
SELECT crm.crm_attach('sale_opportunity', status_column => 'state', also_bump => '{write_date}', companions_schema => 'crm');
