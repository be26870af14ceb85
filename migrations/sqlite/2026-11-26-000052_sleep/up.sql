-- Since when its web instances are stopped because nobody asked for them: the next request starts them.
ALTER TABLE environments ADD COLUMN asleep_at INTEGER;
