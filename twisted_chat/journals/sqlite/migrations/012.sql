-- When an event that stands has no effect any more, in seconds since the epoch; 0: it has no end. A removal lasts for a
-- minute, the invitation of a guest for a day.
ALTER TABLE standing ADD COLUMN until REAL NOT NULL DEFAULT 0;
UPDATE standing SET until = CASE
    WHEN kind = 'removed' THEN at + 60
    WHEN kind = 'invited' AND json_extract(data, '$.who') NOT LIKE '#%' THEN at + 86400
    ELSE coalesce(json_extract(data, '$.until'), 0)
END;
CREATE INDEX standing_by_end ON standing (until) WHERE until > 0;

-- The appointment of the operator who has made a room says so, and stands beside one by another operator.
UPDATE standing SET
    subject = room || ' founder ' || json_extract(data, '$.who'),
    data = json_insert(data, '$.founds', json('true'))
WHERE kind = 'appointed' AND room <> '!' AND author = text;
