BEGIN;
SELECT spsa_attach(:own_too);
SELECT label FROM protected WHERE id = 4711;
COMMIT;
