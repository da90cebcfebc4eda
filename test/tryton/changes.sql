-- Who changed a party, through Tryton or by a function.
SET TimeZone = 'UTC';
SELECT h.version, h.operation, h.fields -> 'name' ->> 'to' AS name, coalesce(h.author, u.login || ' (Tryton)') AS who
FROM party_party p JOIN crm.party_party_history h ON h.customer_id = p.id, LATERAL (
    -- a history row has the columns that changed: where the same user wrote before, an earlier one has the user
    SELECT coalesce(w.fields -> 'write_uid', w.fields -> 'create_uid') ->> 'to' AS id FROM crm.party_party_history w
    WHERE w.customer_id = h.customer_id AND w.version <= h.version AND w.fields ?| '{write_uid,create_uid}'
    ORDER BY w.version DESC LIMIT 1) AS writer JOIN res_user u ON u.id = writer.id::integer
WHERE p.name = :'party' ORDER BY h.version DESC LIMIT 4;
