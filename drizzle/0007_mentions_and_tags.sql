CREATE TABLE `mentions` (
	`tweet_id` integer NOT NULL,
	`user_id` integer NOT NULL,
	PRIMARY KEY(`tweet_id`, `user_id`),
	FOREIGN KEY (`tweet_id`) REFERENCES `tweets`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT, WITHOUT ROWID;--> statement-breakpoint
CREATE INDEX `mentions_user` ON `mentions` (`user_id`,`tweet_id`);--> statement-breakpoint
CREATE TABLE `tag_uses` (
	`tag` text NOT NULL,
	`tweet_id` integer NOT NULL,
	`user_id` integer NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`tag`, `tweet_id`),
	FOREIGN KEY (`tweet_id`) REFERENCES `tweets`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT, WITHOUT ROWID;--> statement-breakpoint
CREATE INDEX `tag_uses_tweet` ON `tag_uses` (`tweet_id`,`user_id`,`created_at`);--> statement-breakpoint
-- Whole where there is no tweet yet; else the running process reads the tags of the old tweets, from the newest on.
INSERT INTO search_builds (name, indexed_from) SELECT 'tag_uses', coalesce(max(id), -1) + 1 FROM tweets;
