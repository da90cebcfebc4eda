-- Opportunities as Twenty CRM keeps them, by the names and types of its columns (github.com/twentyhq/twenty): uuid keys,
-- mixed-case names, an enum for the stage, a version of milliseconds that the application sets, a generated column.
CREATE SCHEMA workspace;
SET search_path = workspace, public;

CREATE TYPE opportunity_stage_enum AS ENUM ('NEW', 'SCREENING', 'MEETING', 'PROPOSAL', 'CUSTOMER');

CREATE TABLE company (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name        text,
    "createdAt" timestamptz(3) NOT NULL DEFAULT now(),
    "updatedAt" timestamptz(3) NOT NULL DEFAULT now(),
    "deletedAt" timestamptz(3)
);

CREATE TABLE opportunity (
    id                   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name                 text,
    "amountAmountMicros" numeric,
    "amountCurrencyCode" text,
    "closeDate"          timestamptz,
    stage                opportunity_stage_enum NOT NULL DEFAULT 'NEW',
    position             double precision NOT NULL DEFAULT 0,
    "createdBySource"    text,
    "companyId"          uuid REFERENCES company ON DELETE SET NULL,
    "createdAt"          timestamptz(3) NOT NULL DEFAULT now(),
    "updatedAt"          timestamptz(3) NOT NULL DEFAULT now(),
    "deletedAt"          timestamptz(3),
    "searchVector"       tsvector GENERATED ALWAYS AS (to_tsvector('simple', coalesce(name, ''))) STORED
);
CREATE INDEX ON opportunity USING gin ("searchVector");
CREATE INDEX ON opportunity ("companyId") WHERE "deletedAt" IS NULL;

INSERT INTO company (name) VALUES ('Acme');
INSERT INTO opportunity (name, "amountAmountMicros", "amountCurrencyCode", "companyId", "updatedAt")
SELECT 'Deal ' || i, i * 1000000, 'EUR', company.id, '2026-01-05 10:00:00.123+00'
FROM company, generate_series(1, 50) i;

SELECT crm_attach('opportunity', status_column => 'stage', version_column => 'updatedAt');
