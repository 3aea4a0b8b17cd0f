BEGIN;
SELECT set_config('bench.emp_no', :own, true);
SELECT label FROM plain WHERE id = 4711 AND owner_id = 77;
COMMIT;
