-- The audit trail: what the functions printed, in a dense order that destinations follow, with every gap seen.
--
-- How a line comes in: it is inserted into audit_events (once by id; a trigger puts it into audit_pending, nobody can leave that out),
-- and put into audit_pending once more if its id was known already, because its number has arrived all the same. The
-- sequencer takes pending lines in the order of their streams, gives each new entry the next position, and holds a line back while one
-- before it is missing, until that counts as a gap.

-- The smallest UUIDv7 of a millisecond: entries are partitioned by id, and an id carries its entry's timestamp.
CREATE FUNCTION countersign_uuid7_floor(at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT (lpad(to_hex(greatest(0, floor(extract(epoch FROM at) * 1000))::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

CREATE TABLE audit_events (
    id              uuid PRIMARY KEY,
    "timestamp"     timestamptz NOT NULL,
    action          text COLLATE "C" NOT NULL,
    actor_type      text COLLATE "C" NOT NULL CHECK (actor_type IN ('webhook_event', 'poll_cycle', 'admin_action')),
    actor_id        uuid NOT NULL,
    target          jsonb NOT NULL CHECK (jsonb_typeof(target) = 'object'),
    target_key      text COLLATE "C" NOT NULL,
    outcome         text COLLATE "C" NOT NULL CHECK (outcome IN ('success', 'failure')),
    error           text COLLATE "C",
    correlation_id  uuid NOT NULL,
    service         text COLLATE "C" NOT NULL,
    stream_id       uuid,
    stream_seq      bigint CHECK (stream_seq BETWEEN 1 AND 9007199254740991), -- what every reader of JSON holds exactly
    duration_ms     double precision,
    details         jsonb NOT NULL CHECK (jsonb_typeof(details) = 'object'),
    trace_id        text COLLATE "C",
    entry           text COLLATE "C" NOT NULL,
    source          text NOT NULL,
    recorded_at     timestamptz NOT NULL,
    CONSTRAINT audit_events_stream CHECK ((stream_id IS NULL) = (stream_seq IS NULL)),
    CONSTRAINT audit_events_error CHECK ((outcome = 'failure') = (error IS NOT NULL))
) PARTITION BY RANGE (id);
CREATE INDEX audit_events_action ON audit_events (action, id);
CREATE INDEX audit_events_target ON audit_events (target_key, id);
CREATE INDEX audit_events_actor ON audit_events (actor_id, id);
CREATE INDEX audit_events_actor_type ON audit_events (actor_type, id);
CREATE INDEX audit_events_correlation ON audit_events (correlation_id, id);
CREATE INDEX audit_events_failure ON audit_events (id) WHERE outcome = 'failure';
-- Small ones: failures are few, and so is what no delivery set off.
CREATE INDEX audit_events_failure_class ON audit_events (error, id) WHERE outcome = 'failure';
CREATE INDEX audit_events_failed_action ON audit_events (action, id) WHERE outcome = 'failure';
CREATE INDEX audit_events_own_action ON audit_events (actor_type, action, id) WHERE actor_type <> 'webhook_event';
CREATE INDEX audit_events_trace ON audit_events (trace_id, id) WHERE trace_id IS NOT NULL;
COMMENT ON TABLE audit_events IS
    'Append-only. Every audit entry, once by id. Partitioned by month on id, a UUIDv7 that carries "timestamp".';
COMMENT ON COLUMN audit_events.entry IS 'The line exactly as printed; the other columns are read from it.';
COMMENT ON COLUMN audit_events.source IS 'Where the line was taken from: log group and log stream, or a file that was imported.';
COMMENT ON COLUMN audit_events.target_key IS 'target as one text: merge_request:main/7301!811, slack_channel:C0SECLEAD.';

-- Lines that have arrived and have no place in the order yet. A queue: it is emptied as fast as it is filled.
CREATE TABLE audit_pending (
    pending_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id    uuid CONSTRAINT audit_pending_event UNIQUE,
    stream_id   uuid,
    stream_seq  bigint CHECK (stream_seq BETWEEN 1 AND 9007199254740991),
    service     text NOT NULL,
    arrived_at  timestamptz NOT NULL,
    CONSTRAINT audit_pending_line UNIQUE (stream_id, stream_seq),
    CONSTRAINT audit_pending_something CHECK (event_id IS NOT NULL OR stream_id IS NOT NULL),
    CONSTRAINT audit_pending_stream CHECK ((stream_id IS NULL) = (stream_seq IS NULL))
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000);
CREATE INDEX audit_pending_without_stream ON audit_pending (pending_id) WHERE stream_id IS NULL;
COMMENT ON COLUMN audit_pending.event_id IS
    'The entry that waits for its position; null: the line told of an entry that was known, so only its number counts.';

-- The only way an entry gets into the queue: whoever writes entries can neither leave it out nor do it twice.
CREATE FUNCTION countersign_enqueue_audit_events() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO public.audit_pending (event_id, stream_id, stream_seq, service, arrived_at)
    SELECT id, stream_id, stream_seq, service, recorded_at FROM arrived ORDER BY id
    ON CONFLICT ON CONSTRAINT audit_pending_line DO NOTHING;
    -- Two entries claim one line: both are kept, and the second belongs to no stream.
    INSERT INTO public.audit_pending (event_id, service, arrived_at)
    SELECT id, service, recorded_at FROM arrived
    WHERE NOT EXISTS (SELECT FROM public.audit_pending WHERE event_id = arrived.id)
    ORDER BY id;
    RETURN NULL;
END;
$$;
CREATE TRIGGER enqueue AFTER INSERT ON audit_events
    REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION countersign_enqueue_audit_events();

-- The order of everything recorded: dense, without gaps, never changed. Destinations are cursors over it.
CREATE TABLE audit_positions (
    position  bigint PRIMARY KEY CHECK (position > 0),
    event_id  uuid NOT NULL CONSTRAINT audit_positions_event UNIQUE
);
CREATE TABLE audit_sequence (
    one             boolean PRIMARY KEY DEFAULT true CHECK (one),
    last_position   bigint NOT NULL CHECK (last_position >= 0),
    first_position  bigint NOT NULL CHECK (first_position > 0)
);
INSERT INTO audit_sequence (last_position, first_position) VALUES (0, 1);
COMMENT ON TABLE audit_sequence IS 'One row. Its lock lets one sequencer work at a time.';
COMMENT ON COLUMN audit_sequence.last_position IS 'The last position given; 0: none yet.';
COMMENT ON COLUMN audit_sequence.first_position IS 'No entry before this position is left: their months have been detached.';

-- Should be empty for ever: entries that the sequencer will never see. Reads the whole trail.
CREATE VIEW audit_unsequenced AS
    SELECT id, "timestamp", action, service, recorded_at FROM audit_events AS event
    WHERE NOT EXISTS (SELECT FROM audit_positions WHERE event_id = event.id)
      AND NOT EXISTS (SELECT FROM audit_pending WHERE event_id = event.id);

-- Per execution environment: up to which number its lines are accounted for.
CREATE TABLE audit_streams (
    stream_id     uuid PRIMARY KEY,
    service       text,
    released_seq  bigint NOT NULL CHECK (released_seq >= 0),
    updated_at    timestamptz NOT NULL
);
COMMENT ON COLUMN audit_streams.service IS 'Null: none of its lines has arrived, only a row that names one.';
COMMENT ON COLUMN audit_streams.released_seq IS 'Each number up to here has arrived, or stands in audit_gaps.';
-- Environments that were there before their lines were recorded: what they printed until now is no gap.
INSERT INTO audit_streams (stream_id, service, released_seq, updated_at)
    SELECT audit_stream_id, 'webhook', max(audit_stream_seq), max(received_at)
    FROM (SELECT audit_stream_id, audit_stream_seq, received_at FROM merge_request_events
          UNION ALL SELECT audit_stream_id, audit_stream_seq, received_at FROM quarantined_deliveries) AS told
    WHERE audit_stream_seq >= 0
    GROUP BY audit_stream_id;

-- "Everything up to this number was printed", said by whoever wrote a row: how a lost tail is seen. Removed once it is true.
CREATE TABLE audit_claims (
    stream_id   uuid NOT NULL,
    stream_seq  bigint NOT NULL CHECK (stream_seq BETWEEN 1 AND 9007199254740991),
    claimed_at  timestamptz NOT NULL,
    PRIMARY KEY (stream_id, stream_seq)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE FUNCTION countersign_count_numbers(numbers int8multirange) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(sum(upper(part) - lower(part)), 0)::bigint FROM unnest(numbers) AS part
$$;

-- Numbers that did not arrive in time.
CREATE TABLE audit_gaps (
    stream_id        uuid NOT NULL,
    first_seq        bigint NOT NULL CHECK (first_seq > 0),
    last_seq         bigint NOT NULL CHECK (last_seq >= first_seq),
    service          text,
    reason           text NOT NULL CHECK (reason IN ('missing', 'lost_tail')),
    missing_numbers  int8multirange NOT NULL,
    missing          bigint NOT NULL GENERATED ALWAYS AS (public.countersign_count_numbers(missing_numbers)) STORED,
    detected_at      timestamptz NOT NULL,
    closed_at        timestamptz,
    PRIMARY KEY (stream_id, first_seq),
    CONSTRAINT audit_gaps_within CHECK (missing_numbers <@ int8range(first_seq, last_seq, '[]')),
    CONSTRAINT audit_gaps_closed CHECK (isempty(missing_numbers) = (closed_at IS NOT NULL))
);
CREATE INDEX audit_gaps_open ON audit_gaps (detected_at) WHERE closed_at IS NULL;
COMMENT ON COLUMN audit_gaps.missing_numbers IS
    'The numbers that are still missing. A set, so that a line that comes twice is counted once.';
COMMENT ON COLUMN audit_gaps.missing IS 'How many numbers are still missing; late ones count down.';

-- Calls that were announced and whose entry has not come. Removed when it comes.
CREATE TABLE audit_intents (
    id              uuid PRIMARY KEY,
    call            text NOT NULL,
    begun_at        timestamptz NOT NULL,
    target          jsonb NOT NULL,
    actor_type      text NOT NULL,
    actor_id        uuid NOT NULL,
    correlation_id  uuid NOT NULL,
    service         text NOT NULL,
    stream_id       uuid NOT NULL,
    trace_id        text,
    recorded_at     timestamptz NOT NULL,
    reported_at     timestamptz
);
CREATE INDEX audit_intents_open ON audit_intents (recorded_at) WHERE reported_at IS NULL;

-- Where entries are forwarded to: the position up to which the destination has acknowledged.
CREATE TABLE audit_destinations (
    name              text PRIMARY KEY,
    delivered         bigint NOT NULL CHECK (delivered >= 0),
    lease             uuid,
    lease_until       timestamptz,
    failures          integer NOT NULL CHECK (failures >= 0),
    next_attempt_at   timestamptz NOT NULL,
    failing_since     timestamptz,
    last_error_class  text,
    last_error        text,
    updated_at        timestamptz NOT NULL,
    CONSTRAINT audit_destinations_lease CHECK ((lease IS NULL) = (lease_until IS NULL))
);
COMMENT ON COLUMN audit_destinations.delivered IS 'Everything up to this position has been acknowledged, or stands in audit_undelivered.';

-- Entries that a destination refuses for good.
CREATE TABLE audit_undelivered (
    destination  text NOT NULL,
    position     bigint NOT NULL,
    event_id     uuid NOT NULL,
    error_class  text NOT NULL,
    error        text NOT NULL,
    refused_at   timestamptz NOT NULL,
    PRIMARY KEY (destination, position)
);

-- Lines that say they are audit lines and are none, or that fit into no partition.
CREATE TABLE quarantined_audit_lines (
    id              text PRIMARY KEY,
    source          text NOT NULL,
    line            text NOT NULL,
    reason          text NOT NULL,
    quarantined_at  timestamptz NOT NULL
);
COMMENT ON COLUMN quarantined_audit_lines.id IS 'SHA-256 of source and line, so that the same line read twice is one row.';

CREATE TRIGGER append_only_row BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION countersign_refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse_change();
CREATE TRIGGER append_only_row BEFORE UPDATE OR DELETE ON audit_positions
    FOR EACH ROW EXECUTE FUNCTION countersign_refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON audit_positions
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse_change();
CREATE TRIGGER append_only_row BEFORE UPDATE OR DELETE ON audit_undelivered
    FOR EACH ROW EXECUTE FUNCTION countersign_refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON audit_undelivered
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse_change();
CREATE TRIGGER append_only_row BEFORE UPDATE OR DELETE ON quarantined_audit_lines
    FOR EACH ROW EXECUTE FUNCTION countersign_refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON quarantined_audit_lines
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse_change();

-- Makes the partitions of the month of `from_month` and of the months after it that do not exist yet; how many it made. Anybody who may
-- write entries may call it: it can only make room.
CREATE FUNCTION countersign_make_audit_partitions(from_month timestamptz, months integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public SET TimeZone = 'UTC' AS $$
DECLARE
    month  timestamptz;
    name   text;
    made   integer := 0;
BEGIN
    IF months NOT BETWEEN 1 AND 36 THEN
        RAISE EXCEPTION 'months must be from 1 to 36' USING ERRCODE = 'invalid_parameter_value';
    ELSIF from_month NOT BETWEEN '1970-01-01' AND '9990-01-01' THEN -- what a UUIDv7 and a table's name hold
        RAISE EXCEPTION 'from_month must be from 1970 to 9990' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- One at a time: two callers would otherwise try to make the same table.
    PERFORM pg_advisory_xact_lock(hashtextextended('countersign.audit_partitions', 0));
    FOR i IN 0 .. months - 1 LOOP
        month := date_trunc('month', from_month) + make_interval(months => i);
        name := 'audit_events_' || to_char(month, 'YYYY_MM');
        CONTINUE WHEN to_regclass('public.' || name) IS NOT NULL;
        -- Attached, not created as a partition: that locks out nobody who reads or writes.
        EXECUTE format('CREATE TABLE public.%I (LIKE public.audit_events INCLUDING ALL)', name);
        EXECUTE format('ALTER TABLE public.audit_events ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)', name,
            public.countersign_uuid7_floor(month), public.countersign_uuid7_floor(month + interval '1 month'));
        EXECUTE format('CREATE TRIGGER append_only_table BEFORE TRUNCATE ON public.%I FOR EACH STATEMENT EXECUTE FUNCTION '
            || 'public.countersign_refuse_change()', name);
        made := made + 1;
    END LOOP;
    RETURN made;
END;
$$;
REVOKE ALL ON FUNCTION countersign_make_audit_partitions(timestamptz, integer) FROM PUBLIC;
