CREATE UNIQUE INDEX `bookmarks_once` ON `bookmarks` (`user_id`,`tweet_id`);

CREATE INDEX `bookmarks_tweet` ON `bookmarks` (`tweet_id`);

CREATE INDEX `bookmarks_user` ON `bookmarks` (`user_id`,`id`);

CREATE UNIQUE INDEX `favorites_once` ON `favorites` (`user_id`,`tweet_id`);

CREATE INDEX `favorites_tweet` ON `favorites` (`tweet_id`,`id`);

CREATE INDEX `favorites_user` ON `favorites` (`user_id`,`id`);

CREATE INDEX `follows_followed` ON `follows` (`followed_id`,`id`);

CREATE INDEX `follows_follower` ON `follows` (`follower_id`,`id`);

CREATE UNIQUE INDEX `follows_once` ON `follows` (`follower_id`,`followed_id`);

CREATE INDEX `former_handles_user` ON `former_handles` (`user_id`,`changed_at`);

CREATE INDEX `hidden_author` ON `hidden` (`author_id`);

CREATE INDEX `hidden_followed` ON `hidden` (`viewer_id`,`author_id`) WHERE followed = 1;

CREATE UNIQUE INDEX `hidden_once` ON `hidden` (`viewer_id`,`author_id`,`kind`);

CREATE INDEX `hidden_own` ON `hidden` (`viewer_id`,`id`) WHERE kind <> 'blocked';

CREATE INDEX `link_previews_age` ON `link_previews` (`fetched_at`);

CREATE INDEX `mentions_user` ON `mentions` (`user_id`,`tweet_id`);

CREATE INDEX `notification_gaps_actor` ON `notification_gaps` (`actor_id`);

CREATE UNIQUE INDEX `notifications_once` ON `notifications` (`actor_id`,`user_id`,`kind`,coalesce(tweet_id, 0));

CREATE INDEX `notifications_tweet` ON `notifications` (`tweet_id`) WHERE tweet_id is not null;

CREATE INDEX `notifications_user` ON `notifications` (`user_id`,`id`);

CREATE UNIQUE INDEX `reports_once` ON `reports` (`tweet_id`,`user_id`);

CREATE INDEX `reports_open` ON `reports` (`id`) WHERE dismissed_at is null;

CREATE INDEX `reports_user` ON `reports` (`user_id`);

CREATE INDEX `sessions_user` ON `sessions` (`user_id`);

CREATE INDEX `tag_uses_tweet` ON `tag_uses` (`tweet_id`,`user_id`,`created_at`);

CREATE INDEX `tweets_everybody` ON `tweets` (`id`) WHERE in_timeline = 1 and reply_to is null and retweet_of is null;

CREATE UNIQUE INDEX `tweets_key` ON `tweets` (`user_id`,`key`) WHERE key is not null;

CREATE INDEX `tweets_replies` ON `tweets` (`reply_to`,`id`) WHERE reply_to is not null;

CREATE UNIQUE INDEX `tweets_retweeted_once` ON `tweets` (`user_id`,`retweet_of`) WHERE retweet_of is not null;

CREATE INDEX `tweets_retweets` ON `tweets` (`retweet_of`,`id`) WHERE retweet_of is not null;

CREATE INDEX `tweets_timeline` ON `tweets` (`user_id`,`id`,`retweet_of`) WHERE in_timeline = 1;

CREATE INDEX `tweets_trending` ON `tweets` (`trend_score`) WHERE like_count >= 2;

CREATE INDEX `tweets_user` ON `tweets` (`user_id`,`id`);

CREATE INDEX `tweets_user_replies` ON `tweets` (`user_id`,`id`) WHERE reply_to is not null;

CREATE INDEX `users_followers` ON `users` (`follower_count`);

CREATE UNIQUE INDEX `users_handle` ON `users` (`handle`);

CREATE UNIQUE INDEX `users_mailaddress` ON `users` (`mailaddress`);

CREATE INDEX `users_suspended` ON `users` (`id`) WHERE suspended_at is not null;

CREATE INDEX `users_wide_domain` ON `users` (`id`) WHERE mailaddress glob '*@*[^ -~]*';

CREATE TABLE `attempts` (
	`key` text PRIMARY KEY NOT NULL,
	`count` integer NOT NULL,
	`ends_at` integer NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE `bookmarks` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`tweet_id` integer NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`tweet_id`) REFERENCES `tweets`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;

CREATE TABLE `deletions` (
	`kind` text NOT NULL CHECK (kind IN ('tweet', 'user')),
	`id` integer NOT NULL,
	`taken_until` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`kind`, `id`)
) STRICT, WITHOUT ROWID;

CREATE TABLE `favorites` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`tweet_id` integer NOT NULL,
	`weight` real NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`tweet_id`) REFERENCES `tweets`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;

CREATE TABLE `follows` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`follower_id` integer NOT NULL,
	`followed_id` integer NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`follower_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`followed_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;

CREATE TABLE `former_handles` (
	`handle` text PRIMARY KEY NOT NULL,
	`user_id` integer NOT NULL,
	`changed_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT, WITHOUT ROWID;

CREATE TABLE `heartbeats` (
	`id` integer PRIMARY KEY NOT NULL,
	`at` integer NOT NULL
) STRICT;

CREATE TABLE `hidden` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`viewer_id` integer NOT NULL,
	`author_id` integer NOT NULL CHECK (author_id <> viewer_id),
	`kind` text NOT NULL CHECK (kind IN ('mute', 'block', 'blocked')),
	`created_at` integer NOT NULL, `followed` integer DEFAULT 0 NOT NULL,
	FOREIGN KEY (`viewer_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`author_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;

CREATE TABLE `invitations` (
	`token_hash` text PRIMARY KEY NOT NULL,
	`created_at` integer NOT NULL,
	`used_by` integer
) STRICT, WITHOUT ROWID;

CREATE TABLE `link_previews` (
	`url` text PRIMARY KEY NOT NULL,
	`title` text,
	`description` text DEFAULT '' NOT NULL,
	`fetched_at` integer NOT NULL
) STRICT;

CREATE TABLE `mentions` (
	`tweet_id` integer NOT NULL,
	`user_id` integer NOT NULL,
	PRIMARY KEY(`tweet_id`, `user_id`),
	FOREIGN KEY (`tweet_id`) REFERENCES `tweets`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT, WITHOUT ROWID;

CREATE TABLE `notification_gaps` (
	`user_id` integer NOT NULL,
	`actor_id` integer NOT NULL,
	`favorites` integer NOT NULL,
	`follows` integer NOT NULL,
	`tweets` integer NOT NULL,
	PRIMARY KEY(`user_id`, `actor_id`),
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`actor_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT, WITHOUT ROWID;

CREATE TABLE `notification_starts` (
	`cause` text PRIMARY KEY NOT NULL,
	`after_id` integer NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE `notifications` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`kind` text NOT NULL CHECK (kind IN ('like', 'follow', 'reply', 'retweet', 'quote', 'mention')),
	`actor_id` integer NOT NULL,
	`tweet_id` integer CHECK ((tweet_id IS NULL) = (kind = 'follow')),
	`created_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`actor_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`tweet_id`) REFERENCES `tweets`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;

CREATE VIRTUAL TABLE people_search USING fts5(name, handle, content='users', content_rowid='id', tokenize="unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'", prefix='1 2 3 4');

CREATE TABLE `reports` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tweet_id` integer NOT NULL,
	`user_id` integer NOT NULL,
	`reason` text NOT NULL,
	`created_at` integer NOT NULL,
	`dismissed_at` integer,
	FOREIGN KEY (`tweet_id`) REFERENCES `tweets`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;

CREATE TABLE `retired_handles` (
	`handle` text PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE `search_builds` (
	`name` text PRIMARY KEY NOT NULL,
	`indexed_from` integer NOT NULL
) STRICT;

CREATE TABLE `sessions` (
	`token_hash` text PRIMARY KEY NOT NULL,
	`user_id` integer NOT NULL,
	`created_at` integer NOT NULL,
	`seen_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT, WITHOUT ROWID;

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE `tag_uses` (
	`tag` text NOT NULL,
	`tweet_id` integer NOT NULL,
	`user_id` integer NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`tag`, `tweet_id`),
	FOREIGN KEY (`tweet_id`) REFERENCES `tweets`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT, WITHOUT ROWID;

CREATE TABLE `trends` (
	`id` integer PRIMARY KEY NOT NULL,
	`epoch` integer NOT NULL
) STRICT;

CREATE TABLE `tweet_previews` (
	`tweet_id` integer PRIMARY KEY NOT NULL,
	`url` text NOT NULL,
	`title` text NOT NULL,
	`description` text DEFAULT '' NOT NULL,
	FOREIGN KEY (`tweet_id`) REFERENCES `tweets`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;

CREATE TABLE `tweets` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`msg` text NOT NULL,
	`key` text,
	`created_at` integer NOT NULL,
	`like_count` integer DEFAULT 0 NOT NULL,
	`trend_score` real DEFAULT 0 NOT NULL, `reply_to` integer, `quote_of` integer, `retweet_of` integer REFERENCES tweets(id) ON DELETE cascade, `in_timeline` integer DEFAULT true NOT NULL CHECK (in_timeline IN (0, 1)), `reply_count` integer DEFAULT 0 NOT NULL, `retweet_count` integer DEFAULT 0 NOT NULL CHECK (
  CASE WHEN retweet_of IS NULL THEN msg <> '' ELSE msg = '' AND reply_to IS NULL AND quote_of IS NULL END),
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;

CREATE VIRTUAL TABLE tweets_fts USING fts5(msg, content='tweets', content_rowid='id', tokenize='unicode61', prefix='2 3 4');

CREATE VIRTUAL TABLE tweets_search USING fts5(msg, content='tweets', content_rowid='id', tokenize="unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'", prefix='2 3 4');

CREATE TABLE `users` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`name` text NOT NULL,
	`handle` text NOT NULL,
	`mailaddress` text NOT NULL,
	`password_hash` text NOT NULL,
	`bio` text DEFAULT '' NOT NULL,
	`demo` integer DEFAULT false NOT NULL,
	`suspended_at` integer,
	`created_at` integer NOT NULL,
	`tweet_count` integer DEFAULT 0 NOT NULL,
	`follower_count` integer DEFAULT 0 NOT NULL,
	`following_count` integer DEFAULT 0 NOT NULL,
	`favorite_count` integer DEFAULT 0 NOT NULL
, `operator` integer DEFAULT false NOT NULL, `notifications_seen` integer DEFAULT 0 NOT NULL, `hidden_count` integer DEFAULT 0 NOT NULL) STRICT;

CREATE TRIGGER favorites_delete AFTER DELETE ON favorites BEGIN
  UPDATE tweets SET like_count = like_count - 1,
    trend_score = CASE WHEN like_count <= 1 THEN 0 
      WHEN old.created_at < (SELECT epoch FROM trends) THEN trend_score ELSE max(0, trend_score - old.weight) END
    WHERE id = old.tweet_id;
  UPDATE users SET favorite_count = favorite_count - 1 WHERE id = old.user_id;
END;

CREATE TRIGGER favorites_delete_notify AFTER DELETE ON favorites BEGIN
  DELETE FROM notifications WHERE actor_id = old.user_id AND kind = 'like' AND coalesce(tweet_id, 0) = old.tweet_id
    AND user_id = (SELECT user_id FROM tweets WHERE id = old.tweet_id);
END;

CREATE TRIGGER favorites_insert AFTER INSERT ON favorites BEGIN
  UPDATE tweets SET like_count = like_count + 1, trend_score = trend_score + new.weight WHERE id = new.tweet_id;
  UPDATE users SET favorite_count = favorite_count + 1 WHERE id = new.user_id;
END;

CREATE TRIGGER favorites_insert_notify AFTER INSERT ON favorites BEGIN
  INSERT INTO notifications (user_id, kind, actor_id, tweet_id, created_at)
    SELECT user_id, 'like', new.user_id, id, new.created_at FROM tweets WHERE id = new.tweet_id
    ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER favorites_not_blocked BEFORE INSERT ON favorites
WHEN EXISTS (SELECT 1 FROM tweets t JOIN hidden h ON h.viewer_id = new.user_id AND h.author_id = t.user_id
  AND h.kind <> 'mute' WHERE t.id = new.tweet_id) BEGIN
  SELECT RAISE(ABORT, 'BLOCKED constraint failed');
END;

CREATE TRIGGER follows_delete AFTER DELETE ON follows BEGIN
  UPDATE users SET following_count = following_count - 1 WHERE id = old.follower_id;
  UPDATE users SET follower_count = follower_count - 1 WHERE id = old.followed_id;
END;

CREATE TRIGGER follows_delete_muted AFTER DELETE ON follows BEGIN
  UPDATE hidden SET followed = 0
    WHERE viewer_id = old.follower_id AND author_id = old.followed_id AND kind = 'mute';
END;

CREATE TRIGGER follows_delete_notify AFTER DELETE ON follows BEGIN
  DELETE FROM notifications WHERE actor_id = old.follower_id AND user_id = old.followed_id AND kind = 'follow';
END;

CREATE TRIGGER follows_insert AFTER INSERT ON follows BEGIN
  UPDATE users SET following_count = following_count + 1 WHERE id = new.follower_id;
  UPDATE users SET follower_count = follower_count + 1 WHERE id = new.followed_id;
END;

CREATE TRIGGER follows_insert_muted AFTER INSERT ON follows BEGIN
  UPDATE hidden SET followed = 1
    WHERE viewer_id = new.follower_id AND author_id = new.followed_id AND kind = 'mute';
END;

CREATE TRIGGER follows_insert_notify AFTER INSERT ON follows BEGIN
  INSERT INTO notifications (user_id, kind, actor_id, created_at)
    VALUES (new.followed_id, 'follow', new.follower_id, new.created_at) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER follows_not_blocked BEFORE INSERT ON follows
WHEN EXISTS (SELECT 1 FROM hidden h WHERE h.viewer_id = new.follower_id AND h.author_id = new.followed_id
  AND h.kind <> 'mute') BEGIN
  SELECT RAISE(ABORT, 'BLOCKED constraint failed');
END;

CREATE TRIGGER hidden_delete AFTER DELETE ON hidden BEGIN
  UPDATE users SET hidden_count = hidden_count - 1 WHERE id = old.viewer_id;
  -- Not where an account is deleted: then one of them is gone, and the gap could refer to nobody.
  INSERT INTO notification_gaps (user_id, actor_id, favorites, follows, tweets)
    SELECT viewer.id, author.id, (SELECT coalesce(max(id), 0) FROM favorites),
      (SELECT coalesce(max(id), 0) FROM follows), (SELECT coalesce(max(id), 0) FROM tweets)
    FROM users viewer CROSS JOIN users author WHERE viewer.id = old.viewer_id AND author.id = old.author_id
    ON CONFLICT (user_id, actor_id) DO UPDATE SET favorites = excluded.favorites, follows = excluded.follows,
      tweets = excluded.tweets;
END;

CREATE TRIGGER hidden_delete_block AFTER DELETE ON hidden WHEN old.kind = 'block' BEGIN
  DELETE FROM hidden WHERE viewer_id = old.author_id AND author_id = old.viewer_id AND kind = 'blocked';
END;

CREATE TRIGGER hidden_insert AFTER INSERT ON hidden BEGIN
  UPDATE users SET hidden_count = hidden_count + 1 WHERE id = new.viewer_id;
  -- What they did before is out of sight, too. The badge counts these rows.
  DELETE FROM notifications WHERE actor_id = new.author_id AND user_id = new.viewer_id;
END;

CREATE TRIGGER hidden_insert_block AFTER INSERT ON hidden WHEN new.kind = 'block' BEGIN
  INSERT INTO hidden (viewer_id, author_id, kind, created_at)
    VALUES (new.author_id, new.viewer_id, 'blocked', new.created_at) ON CONFLICT DO NOTHING;
  DELETE FROM follows WHERE follower_id = new.viewer_id AND followed_id = new.author_id;
  DELETE FROM follows WHERE follower_id = new.author_id AND followed_id = new.viewer_id;
END;

CREATE TRIGGER hidden_insert_followed AFTER INSERT ON hidden WHEN new.kind = 'mute'
  AND EXISTS (SELECT 1 FROM follows WHERE follower_id = new.viewer_id AND followed_id = new.author_id) BEGIN
  UPDATE hidden SET followed = 1 WHERE id = new.id;
END;

CREATE TRIGGER mentions_delete_notify AFTER DELETE ON mentions BEGIN
  DELETE FROM notifications WHERE tweet_id = old.tweet_id AND user_id = old.user_id AND kind = 'mention';
END;

CREATE TRIGGER mentions_insert_notify AFTER INSERT ON mentions BEGIN
  INSERT INTO notifications (user_id, kind, actor_id, tweet_id, created_at)
    SELECT new.user_id, 'mention', t.user_id, t.id, t.created_at FROM tweets t WHERE t.id = new.tweet_id
      AND t.id > (SELECT after_id FROM notification_starts WHERE cause = 'tweets')
      AND NOT EXISTS (SELECT 1 FROM tweets o WHERE o.id IN (t.reply_to, t.quote_of) AND o.user_id = new.user_id)
      AND NOT EXISTS (SELECT 1 FROM notifications n WHERE n.actor_id = t.user_id AND n.user_id = new.user_id
        AND n.kind IN ('reply', 'quote') AND coalesce(n.tweet_id, 0) = t.id)
    ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER notifications_wanted BEFORE INSERT ON notifications
WHEN new.user_id = new.actor_id
  OR EXISTS (SELECT 1 FROM hidden WHERE viewer_id = new.user_id AND author_id = new.actor_id) BEGIN
  SELECT RAISE(IGNORE);
END;

CREATE TRIGGER people_delete AFTER DELETE ON users BEGIN
  INSERT INTO people_search (people_search, rowid, name, handle) SELECT 'delete', old.id, old.name, old.handle
    WHERE old.id >= (SELECT indexed_from FROM search_builds WHERE name = 'people_search');
END;

CREATE TRIGGER people_insert AFTER INSERT ON users BEGIN
  INSERT INTO people_search (rowid, name, handle) SELECT new.id, new.name, new.handle
    WHERE new.id >= (SELECT indexed_from FROM search_builds WHERE name = 'people_search');
END;

CREATE TRIGGER people_update AFTER UPDATE OF name, handle ON users BEGIN
  INSERT INTO people_search (people_search, rowid, name, handle) SELECT 'delete', old.id, old.name, old.handle
    WHERE old.id >= (SELECT indexed_from FROM search_builds WHERE name = 'people_search');
  INSERT INTO people_search (rowid, name, handle) SELECT new.id, new.name, new.handle
    WHERE new.id >= (SELECT indexed_from FROM search_builds WHERE name = 'people_search');
END;

CREATE TRIGGER tweets_delete AFTER DELETE ON tweets BEGIN
  INSERT INTO tweets_fts (tweets_fts, rowid, msg) SELECT 'delete', old.id, old.msg
    WHERE (SELECT indexed_from FROM search_builds WHERE name = 'tweets_search') > 0;
  INSERT INTO tweets_search (tweets_search, rowid, msg) SELECT 'delete', old.id, old.msg
    WHERE old.id >= (SELECT indexed_from FROM search_builds WHERE name = 'tweets_search');
  UPDATE users SET tweet_count = tweet_count - 1 WHERE id = old.user_id AND old.retweet_of IS NULL;
END;

CREATE TRIGGER tweets_delete_counts AFTER DELETE ON tweets
WHEN old.reply_to IS NOT NULL OR old.retweet_of IS NOT NULL BEGIN
  UPDATE tweets SET reply_count = reply_count - 1 WHERE id = old.reply_to;
  UPDATE tweets SET retweet_count = retweet_count - 1 WHERE id = old.retweet_of;
END;

CREATE TRIGGER tweets_delete_notify AFTER DELETE ON tweets WHEN old.retweet_of IS NOT NULL BEGIN
  DELETE FROM notifications WHERE actor_id = old.user_id AND kind = 'retweet' AND coalesce(tweet_id, 0) = old.retweet_of
    AND user_id = (SELECT user_id FROM tweets WHERE id = old.retweet_of);
END;

CREATE TRIGGER tweets_insert AFTER INSERT ON tweets BEGIN
  INSERT INTO tweets_fts (rowid, msg) SELECT new.id, new.msg
    WHERE (SELECT indexed_from FROM search_builds WHERE name = 'tweets_search') > 0;
  INSERT INTO tweets_search (rowid, msg) SELECT new.id, new.msg
    WHERE new.id >= (SELECT indexed_from FROM search_builds WHERE name = 'tweets_search');
  UPDATE users SET tweet_count = tweet_count + 1 WHERE id = new.user_id AND new.retweet_of IS NULL;
END;

CREATE TRIGGER tweets_insert_counts AFTER INSERT ON tweets
WHEN new.reply_to IS NOT NULL OR new.retweet_of IS NOT NULL BEGIN
  UPDATE tweets SET reply_count = reply_count + 1 WHERE id = new.reply_to;
  UPDATE tweets SET retweet_count = retweet_count + 1 WHERE id = new.retweet_of;
END;

CREATE TRIGGER tweets_insert_notify AFTER INSERT ON tweets
WHEN new.reply_to IS NOT NULL OR new.quote_of IS NOT NULL OR new.retweet_of IS NOT NULL BEGIN
  INSERT INTO notifications (user_id, kind, actor_id, tweet_id, created_at)
    SELECT user_id, 'reply', new.user_id, new.id, new.created_at FROM tweets WHERE id = new.reply_to
    ON CONFLICT DO NOTHING;
  INSERT INTO notifications (user_id, kind, actor_id, tweet_id, created_at)
    SELECT user_id, 'quote', new.user_id, new.id, new.created_at FROM tweets WHERE id = new.quote_of
    ON CONFLICT DO NOTHING;
  INSERT INTO notifications (user_id, kind, actor_id, tweet_id, created_at)
    SELECT user_id, 'retweet', new.user_id, id, new.created_at FROM tweets WHERE id = new.retweet_of
    ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER tweets_not_blocked BEFORE INSERT ON tweets
WHEN (new.reply_to IS NOT NULL OR new.quote_of IS NOT NULL OR new.retweet_of IS NOT NULL)
  AND EXISTS (SELECT 1 FROM tweets t JOIN hidden h ON h.viewer_id = new.user_id AND h.author_id = t.user_id
    AND h.kind <> 'mute' WHERE t.id IN (new.reply_to, new.quote_of, new.retweet_of)) BEGIN
  SELECT RAISE(ABORT, 'BLOCKED constraint failed');
END;

CREATE TRIGGER tweets_update AFTER UPDATE OF msg ON tweets BEGIN
  INSERT INTO tweets_fts (tweets_fts, rowid, msg) SELECT 'delete', old.id, old.msg
    WHERE (SELECT indexed_from FROM search_builds WHERE name = 'tweets_search') > 0;
  INSERT INTO tweets_fts (rowid, msg) SELECT new.id, new.msg
    WHERE (SELECT indexed_from FROM search_builds WHERE name = 'tweets_search') > 0;
  INSERT INTO tweets_search (tweets_search, rowid, msg) SELECT 'delete', old.id, old.msg
    WHERE old.id >= (SELECT indexed_from FROM search_builds WHERE name = 'tweets_search');
  INSERT INTO tweets_search (rowid, msg) SELECT new.id, new.msg
    WHERE new.id >= (SELECT indexed_from FROM search_builds WHERE name = 'tweets_search');
END;

CREATE TRIGGER users_delete AFTER DELETE ON users BEGIN
  INSERT INTO retired_handles (handle) VALUES (old.handle) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER users_delete_former BEFORE DELETE ON users BEGIN
  INSERT INTO retired_handles (handle) SELECT handle FROM former_handles WHERE user_id = old.id ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER users_insert BEFORE INSERT ON users
WHEN EXISTS (SELECT 1 FROM retired_handles WHERE handle = new.handle) BEGIN
  SELECT RAISE(ABORT, 'UNIQUE constraint failed: users.handle');
END;

CREATE TRIGGER users_insert_former BEFORE INSERT ON users
WHEN EXISTS (SELECT 1 FROM former_handles WHERE handle = new.handle) BEGIN
  SELECT RAISE(ABORT, 'UNIQUE constraint failed: users.handle');
END;

CREATE TRIGGER users_rename AFTER UPDATE OF handle ON users WHEN new.handle <> old.handle BEGIN
  DELETE FROM former_handles WHERE handle = new.handle;
  INSERT INTO former_handles (handle, user_id, changed_at) VALUES (old.handle, old.id, unixepoch() * 1000);
END;

CREATE TRIGGER users_rename_check BEFORE UPDATE OF handle ON users
WHEN new.handle <> old.handle AND (
  EXISTS (SELECT 1 FROM retired_handles WHERE handle = new.handle) OR
  EXISTS (SELECT 1 FROM former_handles WHERE handle = new.handle AND user_id <> new.id)
) BEGIN
  SELECT RAISE(ABORT, 'UNIQUE constraint failed: users.handle');
END;
