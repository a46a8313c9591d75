CREATE TABLE `search_builds` (
	`name` text PRIMARY KEY NOT NULL,
	`indexed_from` integer NOT NULL
) STRICT;
--> statement-breakpoint
-- The one definition of how words are found: db:check, db:repair and seed read it in these two statements.
CREATE VIRTUAL TABLE tweets_search USING fts5(msg, content='tweets', content_rowid='id', tokenize="unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'", prefix='2 3 4');
--> statement-breakpoint
CREATE VIRTUAL TABLE people_search USING fts5(name, handle, content='users', content_rowid='id', tokenize="unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'", prefix='1 2 3 4');
--> statement-breakpoint
-- Whole where there is nothing yet; else the running process makes them, from the newest row to the oldest.
INSERT INTO search_builds (name, indexed_from) SELECT 'tweets_search', coalesce(max(id), -1) + 1 FROM tweets;
--> statement-breakpoint
INSERT INTO search_builds (name, indexed_from) SELECT 'people_search', coalesce(max(id), -1) + 1 FROM users;
--> statement-breakpoint
-- Both indexes of tweets are filled until the new one is whole; from then on, only that one. Of a row that is not in an
-- index yet, a 'delete' would damage it.
DROP TRIGGER tweets_insert;
--> statement-breakpoint
CREATE TRIGGER tweets_insert AFTER INSERT ON tweets BEGIN
  INSERT INTO tweets_fts (rowid, msg) SELECT new.id, new.msg
    WHERE (SELECT indexed_from FROM search_builds WHERE name = 'tweets_search') > 0;
  INSERT INTO tweets_search (rowid, msg) SELECT new.id, new.msg
    WHERE new.id >= (SELECT indexed_from FROM search_builds WHERE name = 'tweets_search');
  UPDATE users SET tweet_count = tweet_count + 1 WHERE id = new.user_id;
END;
--> statement-breakpoint
DROP TRIGGER tweets_delete;
--> statement-breakpoint
CREATE TRIGGER tweets_delete AFTER DELETE ON tweets BEGIN
  INSERT INTO tweets_fts (tweets_fts, rowid, msg) SELECT 'delete', old.id, old.msg
    WHERE (SELECT indexed_from FROM search_builds WHERE name = 'tweets_search') > 0;
  INSERT INTO tweets_search (tweets_search, rowid, msg) SELECT 'delete', old.id, old.msg
    WHERE old.id >= (SELECT indexed_from FROM search_builds WHERE name = 'tweets_search');
  UPDATE users SET tweet_count = tweet_count - 1 WHERE id = old.user_id;
END;
--> statement-breakpoint
DROP TRIGGER tweets_update;
--> statement-breakpoint
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
--> statement-breakpoint
CREATE TRIGGER people_insert AFTER INSERT ON users BEGIN
  INSERT INTO people_search (rowid, name, handle) SELECT new.id, new.name, new.handle
    WHERE new.id >= (SELECT indexed_from FROM search_builds WHERE name = 'people_search');
END;
--> statement-breakpoint
CREATE TRIGGER people_delete AFTER DELETE ON users BEGIN
  INSERT INTO people_search (people_search, rowid, name, handle) SELECT 'delete', old.id, old.name, old.handle
    WHERE old.id >= (SELECT indexed_from FROM search_builds WHERE name = 'people_search');
END;
--> statement-breakpoint
CREATE TRIGGER people_update AFTER UPDATE OF name, handle ON users BEGIN
  INSERT INTO people_search (people_search, rowid, name, handle) SELECT 'delete', old.id, old.name, old.handle
    WHERE old.id >= (SELECT indexed_from FROM search_builds WHERE name = 'people_search');
  INSERT INTO people_search (rowid, name, handle) SELECT new.id, new.name, new.handle
    WHERE new.id >= (SELECT indexed_from FROM search_builds WHERE name = 'people_search');
END;
