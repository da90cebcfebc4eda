-- What an application beside Tryton needs that saves by the functions.
GRANT USAGE ON SCHEMA crm TO crm_web;
GRANT SELECT, UPDATE ON party_party, sale_opportunity TO crm_web;
GRANT SELECT, INSERT (customer_id, author, body, reply_to) ON crm.party_party_comments, crm.sale_opportunity_comments TO crm_web;
GRANT SELECT ON crm.party_party_history, crm.sale_opportunity_history TO crm_web;
