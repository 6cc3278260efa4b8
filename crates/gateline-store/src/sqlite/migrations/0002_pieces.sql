-- Content in compressed pieces. What was kept whole is cut at 1 MiB (`PIECE_BYTES`) and stays as it is: form 0.
ALTER TABLE blob RENAME TO blob_whole;

CREATE TABLE blob (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    size INTEGER NOT NULL
) STRICT;

-- `number` from 0. `form` is 0 for bytes as they are, 1 for zlib.
CREATE TABLE blob_piece (
    id INTEGER PRIMARY KEY,
    blob_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    form INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX blob_piece_number ON blob_piece (blob_id, number);

INSERT INTO blob (id, digest, size) SELECT id, digest, length(bytes) FROM blob_whole;
WITH RECURSIVE cut (blob_id, number, size) AS (
    SELECT id, 0, length(bytes) FROM blob_whole WHERE length(bytes) > 0
    UNION ALL
    SELECT blob_id, number + 1, size FROM cut WHERE (number + 1) * 1048576 < size
)
INSERT INTO blob_piece (blob_id, number, form, bytes)
    SELECT blob_id, number, 0, substr(blob_whole.bytes, number * 1048576 + 1, 1048576)
    FROM cut JOIN blob_whole ON blob_whole.id = blob_id;
DROP TABLE blob_whole;
