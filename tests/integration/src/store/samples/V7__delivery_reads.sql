-- Rows of schema version 7, which adds no table. Never changed afterwards.
SELECT;
