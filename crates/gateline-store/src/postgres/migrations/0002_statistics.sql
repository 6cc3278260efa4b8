-- What people wrote, what keeps its hash from being guessed, and what lets people in must stand in no statistics: erasing does
-- not reach those. Naming a column's type anew, which is as it was, takes away what was gathered of it.
ALTER TABLE gateline.log
    ALTER COLUMN salt TYPE bytea,
    ALTER COLUMN private TYPE bytea;
ALTER TABLE gateline.log
    ALTER COLUMN salt SET STATISTICS 0,
    ALTER COLUMN private SET STATISTICS 0;
ALTER TABLE gateline.promotion ALTER COLUMN doc TYPE bytea;
ALTER TABLE gateline.promotion ALTER COLUMN doc SET STATISTICS 0;
ALTER TABLE gateline.release ALTER COLUMN doc TYPE bytea;
ALTER TABLE gateline.release ALTER COLUMN doc SET STATISTICS 0;
ALTER TABLE gateline.password ALTER COLUMN hash TYPE text;
ALTER TABLE gateline.password ALTER COLUMN hash SET STATISTICS 0;
ALTER TABLE gateline.session
    ALTER COLUMN name TYPE text,
    ALTER COLUMN agent TYPE text;
ALTER TABLE gateline.session
    ALTER COLUMN name SET STATISTICS 0,
    ALTER COLUMN agent SET STATISTICS 0;
