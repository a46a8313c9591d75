-- What other people's pages say about themselves, by address: kept for a week, a failure (no title) for an hour.
CREATE TABLE `link_previews` (
	`url` text PRIMARY KEY NOT NULL,
	`title` text,
	`description` text DEFAULT '' NOT NULL,
	`fetched_at` integer NOT NULL
) STRICT;--> statement-breakpoint
CREATE INDEX `link_previews_age` ON `link_previews` (`fetched_at`);--> statement-breakpoint
-- The preview that a tweet shows: a copy, so that it stays when the one above is forgotten.
CREATE TABLE `tweet_previews` (
	`tweet_id` integer PRIMARY KEY NOT NULL,
	`url` text NOT NULL,
	`title` text NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	FOREIGN KEY (`tweet_id`) REFERENCES `tweets`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
