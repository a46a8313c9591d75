-- Which mutes are of people whom the viewer follows: the timeline leaves those out, and finds them without looking up each
-- followee.
ALTER TABLE `hidden` ADD `followed` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `hidden_followed` ON `hidden` (`viewer_id`,`author_id`) WHERE followed = 1;--> statement-breakpoint
UPDATE hidden SET followed = 1 WHERE kind = 'mute'
  AND EXISTS (SELECT 1 FROM follows WHERE follower_id = viewer_id AND followed_id = author_id);--> statement-breakpoint
CREATE TRIGGER hidden_insert_followed AFTER INSERT ON hidden WHEN new.kind = 'mute'
  AND EXISTS (SELECT 1 FROM follows WHERE follower_id = new.viewer_id AND followed_id = new.author_id) BEGIN
  UPDATE hidden SET followed = 1 WHERE id = new.id;
END;
--> statement-breakpoint
CREATE TRIGGER follows_insert_muted AFTER INSERT ON follows BEGIN
  UPDATE hidden SET followed = 1
    WHERE viewer_id = new.follower_id AND author_id = new.followed_id AND kind = 'mute';
END;
--> statement-breakpoint
CREATE TRIGGER follows_delete_muted AFTER DELETE ON follows BEGIN
  UPDATE hidden SET followed = 0
    WHERE viewer_id = old.follower_id AND author_id = old.followed_id AND kind = 'mute';
END;
