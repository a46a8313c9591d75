-- What people keep for themselves, and an index of the posts of everybody. Nothing is changed or filled in.
CREATE TABLE `bookmarks` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`tweet_id` integer NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`tweet_id`) REFERENCES `tweets`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;--> statement-breakpoint
CREATE UNIQUE INDEX `bookmarks_once` ON `bookmarks` (`user_id`,`tweet_id`);--> statement-breakpoint
CREATE INDEX `bookmarks_user` ON `bookmarks` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `bookmarks_tweet` ON `bookmarks` (`tweet_id`);--> statement-breakpoint
CREATE INDEX `tweets_everybody` ON `tweets` (`id`) WHERE in_timeline = 1 and reply_to is null and retweet_of is null;
