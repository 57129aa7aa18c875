package store

// A migration changes the tables, and back. Those that were released are final.
type migration struct{ up, down string }

// all lists the migrations; the first is version 1. Times are milliseconds since 1970 in UTC, 0 if there is none. Texts with
// several values are JSON.
var all = []migration{{
	up: `
CREATE TABLE scans (
	id       TEXT PRIMARY KEY,
	stream   TEXT NOT NULL,
	cause    TEXT NOT NULL, -- schedule, request or command
	state    TEXT NOT NULL, -- waiting, running, done, failed or cancelled
	created  BIGINT NOT NULL,
	due      BIGINT NOT NULL, -- the time of its schedule; 0 if it has none
	started  BIGINT NOT NULL, -- the time at which rules judge
	finished BIGINT NOT NULL,
	turn     BIGINT NOT NULL, -- among those of the stream that are done, whatever the clocks said; 0 until it is
	failure  TEXT NOT NULL, -- why, of one that failed; of one that goes on, what was tried in vain last
	holder   TEXT NOT NULL, -- who divides or judges it
	lease    BIGINT NOT NULL, -- until when, unless he says so again
	settings TEXT NOT NULL, -- what to read and how to judge
	head     TEXT NOT NULL, -- of the JSON report: all but results; empty until it is done
	looked   $BYTES -- where it looked and what was in the dark, for the next one
);
CREATE INDEX scans_stream ON scans (stream, turn);
CREATE INDEX scans_created ON scans (created);
CREATE INDEX scans_state ON scans (state, created);
CREATE UNIQUE INDEX scans_open ON scans (stream) WHERE state IN ('waiting', 'running') AND cause <> 'command';
CREATE UNIQUE INDEX scans_due ON scans (stream, due) WHERE due <> 0;
CREATE TABLE findings (
	stream     TEXT NOT NULL,
	identity   TEXT NOT NULL,
	fingerprint TEXT NOT NULL,
	rule       TEXT NOT NULL,
	severity   INTEGER NOT NULL,
	kind       TEXT NOT NULL,
	resource   TEXT NOT NULL, -- ID
	name       TEXT NOT NULL,
	account    TEXT NOT NULL,
	region     TEXT NOT NULL,
	owner      TEXT NOT NULL,
	pillars    TEXT NOT NULL, -- each between commas
	state      TEXT NOT NULL, -- open or fixed
	first_seen BIGINT NOT NULL,
	last_seen  BIGINT NOT NULL, -- of one that is open and assessed: the last scan that looked
	fixed_at   BIGINT NOT NULL,
	unassessed BIGINT NOT NULL, -- since when nobody could look; 0 if somebody could
	regressed  INTEGER NOT NULL, -- how many times it came back
	resources  INTEGER NOT NULL, -- how many it stands for
	waived     TEXT NOT NULL, -- day on which its waiver ends; empty if there is none
	digest     TEXT NOT NULL, -- of what follows and of the waiver
	finding    TEXT NOT NULL, -- as the JSON report tells it
	search     TEXT NOT NULL, -- words are looked for in it
	PRIMARY KEY (stream, identity)
);
CREATE INDEX findings_order ON findings (stream, state, severity, identity);
CREATE INDEX findings_fixed ON findings (stream, fixed_at, severity, first_seen) WHERE state = 'fixed';
CREATE INDEX findings_print ON findings (fingerprint);
CREATE INDEX findings_identity ON findings (identity);
CREATE TABLE events (
	id       $SERIAL,
	stream   TEXT NOT NULL,
	identity TEXT NOT NULL,
	scan     TEXT NOT NULL,
	at       BIGINT NOT NULL,
	type     TEXT NOT NULL,
	severity INTEGER NOT NULL,
	was      INTEGER NOT NULL, -- severity before, of one that escalated
	cause    TEXT NOT NULL -- who changed it, as CloudTrail tells; empty if nobody asked
);
CREATE INDEX events_finding ON events (stream, identity, id);
CREATE INDEX events_scan ON events (scan, id);
CREATE INDEX events_time ON events (stream, at, scan, type);
CREATE TABLE happened ( -- so many events in a scan: trends need not count them, and stay when what is fixed is forgotten
	scan TEXT NOT NULL,
	type TEXT NOT NULL,
	n    INTEGER NOT NULL,
	PRIMARY KEY (scan, type)
);
CREATE TABLE tallies (
	scan     TEXT NOT NULL,
	pillar   TEXT NOT NULL, -- empty for all
	severity INTEGER NOT NULL,
	failures INTEGER NOT NULL,
	waived   INTEGER NOT NULL,
	PRIMARY KEY (scan, pillar, severity)
);
CREATE TABLE coverage (
	scan     TEXT NOT NULL,
	account  TEXT NOT NULL,
	name     TEXT NOT NULL,
	regions  INTEGER NOT NULL,
	cells    INTEGER NOT NULL,
	assessed INTEGER NOT NULL,
	failures INTEGER NOT NULL,
	PRIMARY KEY (scan, account)
);
CREATE TABLE snapshots (
	scan TEXT NOT NULL,
	part INTEGER NOT NULL,
	data $BYTES NOT NULL,
	PRIMARY KEY (scan, part)
);
CREATE TABLE readings (
	scan      TEXT NOT NULL,
	account   TEXT NOT NULL,
	position  INTEGER NOT NULL,
	enter     TEXT NOT NULL, -- how to get in
	state     TEXT NOT NULL, -- waiting, running or done
	holder    TEXT NOT NULL, -- who reads it
	lease     BIGINT NOT NULL, -- until when, unless he says so again
	header    TEXT NOT NULL, -- of the snapshot, as far as it is about this account; empty until it is done
	calls     BIGINT NOT NULL,
	throttled BIGINT NOT NULL,
	PRIMARY KEY (scan, account)
);
CREATE TABLE cells (
	scan    TEXT NOT NULL,
	account TEXT NOT NULL,
	region  TEXT NOT NULL,
	service TEXT NOT NULL,
	data    $BYTES NOT NULL,
	PRIMARY KEY (scan, account, region, service)
);
`,
	down: `
DROP TABLE cells;
DROP TABLE readings;
DROP TABLE snapshots;
DROP TABLE coverage;
DROP TABLE tallies;
DROP TABLE happened;
DROP TABLE events;
DROP TABLE findings;
DROP TABLE scans;
`}, {
	up: `
-- announced: when the events of a scan went into the outbox; 0 if they have not
ALTER TABLE scans ADD COLUMN announced BIGINT NOT NULL DEFAULT 0;
UPDATE scans SET announced = finished WHERE state = 'done';
CREATE TABLE outbox (
	id      $SERIAL,
	channel TEXT NOT NULL,
	kind    TEXT NOT NULL,
	key     TEXT NOT NULL, -- whatever has the same one is the same message
	payload TEXT NOT NULL,
	created BIGINT NOT NULL,
	state   TEXT NOT NULL, -- waiting, sent, refused, expired or overtaken
	tries   INTEGER NOT NULL,
	tried   BIGINT NOT NULL, -- the last time
	failure TEXT NOT NULL, -- why not, the last time
	UNIQUE (channel, key)
);
CREATE INDEX outbox_waiting ON outbox (channel, id) WHERE state = 'waiting';
CREATE INDEX outbox_tried ON outbox (channel, tried);
CREATE TABLE channels (
	name     TEXT PRIMARY KEY,
	holder   TEXT NOT NULL, -- who sends; empty if nobody does
	lease    BIGINT NOT NULL, -- until when, unless it is renewed
	next_try BIGINT NOT NULL,
	tries    INTEGER NOT NULL, -- in vain since the last one that was not
	failure  TEXT NOT NULL
);
CREATE TABLE held (
	event  BIGINT PRIMARY KEY, -- that is told once the next scan says the same
	stream TEXT NOT NULL
);
CREATE INDEX held_stream ON held (stream);
CREATE TABLE told (
	channel  TEXT NOT NULL,
	identity TEXT NOT NULL,
	stream   TEXT NOT NULL, -- that told of it last
	open     INTEGER NOT NULL, -- 0 once it was told to be fixed
	severity INTEGER NOT NULL,
	at       BIGINT NOT NULL,
	PRIMARY KEY (channel, identity)
);
CREATE TABLE digests (
	due BIGINT PRIMARY KEY -- those that are in the outbox
);
`,
	down: `
DROP TABLE digests;
DROP TABLE told;
DROP TABLE held;
DROP TABLE channels;
DROP TABLE outbox;
ALTER TABLE scans DROP COLUMN announced;
`}, {
	// What the server needs: who may use it, what was changed, and findings page by page, with sums, without going through all their texts.
	up: `
CREATE TABLE tokens (
	id      TEXT PRIMARY KEY, -- the part of the token that is no secret
	name    TEXT NOT NULL,
	role    TEXT NOT NULL,
	hash    TEXT NOT NULL, -- SHA-256 of the secret part
	maker   TEXT NOT NULL,
	created BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	used    BIGINT NOT NULL, -- the last time, to about an hour
	revoked BIGINT NOT NULL
);
CREATE TABLE sessions (
	hash    TEXT PRIMARY KEY, -- SHA-256 of what the browser keeps
	token   TEXT NOT NULL, -- that it was begun with; empty if somebody else said who it is
	name    TEXT NOT NULL,
	role    TEXT NOT NULL,
	created BIGINT NOT NULL,
	expires BIGINT NOT NULL
);
CREATE TABLE audit (
	id      $SERIAL,
	at      BIGINT NOT NULL,
	actor   TEXT NOT NULL,
	role    TEXT NOT NULL,
	address TEXT NOT NULL,
	request TEXT NOT NULL,
	action  TEXT NOT NULL,
	object  TEXT NOT NULL,
	detail  TEXT NOT NULL,
	outcome TEXT NOT NULL -- begun, done, or why it failed
);
CREATE INDEX events_newest ON events (stream, id, type);
CREATE INDEX scans_done ON scans (stream, state, started);
DROP INDEX findings_order;
CREATE INDEX findings_page ON findings (stream, state, severity, identity, account, region, rule, owner, pillars, waived, unassessed, first_seen);
CREATE INDEX findings_rule ON findings (stream, rule, state, severity, identity);
CREATE INDEX findings_account ON findings (stream, account, state, severity, identity);
`,
	down: `
DROP INDEX findings_account;
DROP INDEX findings_rule;
DROP INDEX findings_page;
CREATE INDEX findings_order ON findings (stream, state, severity, identity);
DROP INDEX scans_done;
DROP INDEX events_newest;
DROP TABLE audit;
DROP TABLE sessions;
DROP TABLE tokens;
`}}
