-- What is hidden, but not removed yet (src/db/deletions.ts): removed in slices, so that nobody waits.
CREATE TABLE `deletions` (
	`kind` text NOT NULL CHECK (kind IN ('tweet', 'user')),
	`id` integer NOT NULL,
	`taken_until` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`kind`, `id`)
) STRICT, WITHOUT ROWID;
