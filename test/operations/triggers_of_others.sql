-- Triggers that note when they fire, enabled in each way: a subscriber has them.
CREATE TABLE fired (name text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.fired VALUES (TG_NAME); RETURN NULL; END';
CREATE TRIGGER as_ever AFTER UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER as_replica AFTER UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER as_always AFTER UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION note();
ALTER TABLE customers ENABLE REPLICA TRIGGER as_replica, ENABLE ALWAYS TRIGGER as_always;
