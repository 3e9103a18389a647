BEGIN TRANSACTION;
CREATE TABLE job_events (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	job_id INTEGER NOT NULL, 
	at FLOAT NOT NULL, 
	kind VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	attempt INTEGER NOT NULL, 
	words TEXT NOT NULL, 
	CONSTRAINT fk_job_events_job_id FOREIGN KEY(job_id) REFERENCES jobs (id)
);
INSERT INTO "job_events" VALUES(1,1,1700000002.0,'enqueued','queued',0,'Put in the queue.');
INSERT INTO "job_events" VALUES(2,1,1700000006.0,'claimed','starting',1,'Claimed for cpu:0.');
INSERT INTO "job_events" VALUES(3,1,1700000008.0,'succeeded','succeeded',1,'Done.');
INSERT INTO "job_events" VALUES(4,2,1700000010.0,'enqueued','queued',0,'Put in the queue.');
INSERT INTO "job_events" VALUES(5,2,1700000014.0,'claimed','starting',1,'Claimed for cpu:0.');
INSERT INTO "job_events" VALUES(6,2,1700000016.0,'failed','failed',1,'ValueError: no');
INSERT INTO "job_events" VALUES(7,3,1700000018.0,'enqueued','queued',0,'Put in the queue.');
INSERT INTO "job_events" VALUES(8,3,1700000020.0,'cancelled','cancelled',0,'Cancelled.');
INSERT INTO "job_events" VALUES(9,4,1700000022.0,'enqueued','queued',0,'Put in the queue.');
INSERT INTO "job_events" VALUES(10,4,1700000026.0,'claimed','starting',1,'Claimed for cpu:0.');
INSERT INTO "job_events" VALUES(11,4,1700000028.0,'running','running',1,'Attempt 1 runs on cpu:0.');
INSERT INTO "job_events" VALUES(12,5,1700000030.0,'enqueued','queued',0,'Put in the queue.');
INSERT INTO "job_events" VALUES(13,6,1700000032.0,'enqueued','queued',0,'Put in the queue.');
INSERT INTO "job_events" VALUES(14,6,1700000033.0,'paused','paused',0,'Paused.');
CREATE TABLE job_slots (
	slot VARCHAR NOT NULL, 
	job_id INTEGER NOT NULL, 
	CONSTRAINT pk_job_slots PRIMARY KEY (slot), 
	CONSTRAINT fk_job_slots_job_id FOREIGN KEY(job_id) REFERENCES jobs (id)
);
INSERT INTO "job_slots" VALUES('cpu:0',4);
CREATE TABLE jobs (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name VARCHAR NOT NULL, 
	task VARCHAR NOT NULL, 
	spec JSON NOT NULL, 
	spec_version INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	priority INTEGER NOT NULL, 
	position FLOAT NOT NULL, 
	slot_kind VARCHAR NOT NULL, 
	slots_wanted INTEGER NOT NULL, 
	needs_bytes INTEGER, 
	"after" INTEGER, 
	waiting_for TEXT, 
	attempt INTEGER NOT NULL, 
	max_attempts INTEGER NOT NULL, 
	owners_lost INTEGER NOT NULL, 
	crashes INTEGER NOT NULL, 
	intent VARCHAR, 
	run_after FLOAT NOT NULL, 
	lease_token VARCHAR, 
	lease_expires FLOAT, 
	runner_pid INTEGER, 
	runner_start FLOAT, 
	boot_id VARCHAR, 
	error_code VARCHAR, 
	error TEXT, 
	result JSON, 
	created_at FLOAT NOT NULL, 
	started_at FLOAT, 
	ended_at FLOAT, 
	CONSTRAINT fk_jobs_after FOREIGN KEY("after") REFERENCES jobs (id), 
	CONSTRAINT ck_jobs_state CHECK (state IN ('queued', 'starting', 'running', 'paused', 'succeeded', 'failed', 'cancelled')), 
	CONSTRAINT ck_jobs_intent CHECK (intent IS NULL OR intent IN ('pause', 'cancel')), 
	CONSTRAINT ck_jobs_active_has_lease CHECK ((state IN ('starting', 'running')) = (lease_token IS NOT NULL)), 
	CONSTRAINT ck_jobs_slots_wanted CHECK (slots_wanted >= 1)
);
INSERT INTO "jobs" VALUES(1,'Done one','train','{"spec": {"version": 1, "name": "Tone"}}',1,'succeeded',0,1.0,'cpu',1,7,NULL,NULL,1,3,0,0,NULL,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"steps": 3}',1700000001.0,NULL,1700000007.0);
INSERT INTO "jobs" VALUES(2,'Failed one','train','{}',1,'failed',0,2.0,'cpu',1,NULL,NULL,NULL,1,3,0,0,NULL,0.0,NULL,NULL,NULL,NULL,NULL,'crash','ValueError: no',NULL,1700000009.0,NULL,1700000015.0);
INSERT INTO "jobs" VALUES(3,'Cancelled one','train','{}',1,'cancelled',0,3.0,'cpu',1,NULL,NULL,NULL,0,3,0,0,NULL,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1700000017.0,NULL,1700000019.0);
INSERT INTO "jobs" VALUES(4,'Running one','train','{}',1,'running',0,4.0,'cpu',1,NULL,NULL,NULL,1,3,0,0,NULL,0.0,'d8c3cc5e62764d81b033be574fa7aabc',1700000085.0,4711,1.5,'boot',NULL,NULL,NULL,1700000021.0,1700000027.0,NULL);
INSERT INTO "jobs" VALUES(5,'Waiting one','export','{"job": 1}',1,'queued',0,5.0,'io',1,NULL,1,NULL,0,3,0,0,NULL,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1700000029.0,NULL,NULL);
INSERT INTO "jobs" VALUES(6,'Paused one','train','{}',1,'paused',3,6.0,'cpu',1,NULL,NULL,NULL,0,3,0,0,NULL,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1700000031.0,NULL,NULL);
CREATE TABLE jobs_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT jobs_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "jobs_version" VALUES('0001');
CREATE INDEX ix_jobs_run_order ON jobs (priority DESC, position, id) WHERE state = 'queued';
CREATE INDEX ix_jobs_state ON jobs (state);
CREATE INDEX ix_jobs_after ON jobs ("after");
CREATE INDEX ix_job_slots_job_id ON job_slots (job_id);
CREATE INDEX ix_job_events_job_id ON job_events (job_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('jobs',6);
INSERT INTO "sqlite_sequence" VALUES('job_events',14);
COMMIT;
