-- Review measures by reviewer, team, project, week and tier: a view by week for each measure, and a function for any period.
-- Percentiles of a period are not computed from percentiles of its weeks, so the period is an argument.

-- An enumeration: a misspelled dimension is an error, not an empty result.
CREATE TYPE security_review_dimension AS ENUM ('reviewer', 'team', 'project', 'week', 'tier');

-- Few distinct values, so the index is small. Its expression is the column `week` of the views below, word for word; 3 January 2000 is a
-- Monday. It is not the expression of the views of V3: the planner would read their rows in the order of this index, which takes longer.
CREATE INDEX security_review_ledger_week
    ON security_review_ledger ((date_bin('7 days', decided_at AT TIME ZONE 'UTC', '2000-01-03')::date));
-- The planner has statistics of the expression only after this.
ANALYZE security_review_ledger;

-- The filter on the dimension is evaluated on five rows and that on the week by the index, before the two are joined.
CREATE VIEW security_review_by_dimension AS
SELECT dimension,
    CASE dimension
        WHEN 'reviewer' THEN deciding_reviewer_username
        WHEN 'team' THEN split_part(project_path, '/', 1)
        WHEN 'project' THEN project_path
        WHEN 'week' THEN to_char(date_bin('7 days', decided_at AT TIME ZONE 'UTC', '2000-01-03'), 'YYYY-MM-DD')
        WHEN 'tier' THEN risk_tier
    END AS value,
    date_bin('7 days', decided_at AT TIME ZONE 'UTC', '2000-01-03')::date AS week, project_id, project_path, decided_at, decision, proof,
    decision IN ('merged', 'merged_without_approval', 'merged_unverified') AS merged,
    CASE WHEN decision IN ('merged_without_approval', 'merged_unverified') THEN false
         WHEN decision = 'merged' AND proof IS NOT NULL THEN true END AS approved,
    time_to_approval, time_to_decision, sla_target, sla_met
FROM (VALUES ('reviewer'::security_review_dimension), ('team'), ('project'), ('week'), ('tier')) AS dimensions (dimension)
    CROSS JOIN security_review_ledger
WHERE decided_at IS NOT NULL;
COMMENT ON VIEW security_review_by_dimension IS
    'Each decided review once for each dimension: the source of the measures by dimension. Not a count of reviews without a condition on dimension.';
COMMENT ON COLUMN security_review_by_dimension.value IS
    'The reviewer who decided (null: no reviewer of the team), the first group of the project''s path, the path, the Monday of the week, the risk tier.';
COMMENT ON COLUMN security_review_by_dimension.week IS 'The Monday of the week (UTC) of the decision; of a merge, that is the merge.';
COMMENT ON COLUMN security_review_by_dimension.approved IS
    'Of a merge, whether it had a valid approval; null: not merged, or declassified, so that no approval was needed.';

CREATE VIEW security_review_volume_by AS
SELECT dimension, value, week, count(*) AS reviews, count(*) FILTER (WHERE merged) AS merged,
    count(*) FILTER (WHERE decision = 'closed') AS closed
FROM security_review_by_dimension
GROUP BY dimension, value, week;
COMMENT ON VIEW security_review_volume_by IS 'Decided reviews by week and dimension.';

CREATE VIEW security_review_approval_rate_by AS
SELECT dimension, value, week, count(*) AS merged, count(*) FILTER (WHERE approved) AS approved,
    count(*) FILTER (WHERE decision = 'merged_without_approval') AS without_approval,
    count(*) FILTER (WHERE decision = 'merged_unverified') AS unverified,
    round(100.0 * count(*) FILTER (WHERE approved) / count(*), 1) AS approval_rate_percent
FROM security_review_by_dimension
WHERE approved IS NOT NULL
GROUP BY dimension, value, week;
COMMENT ON VIEW security_review_approval_rate_by IS
    'Merges that needed an approval and those that had a valid one, by week and dimension. A merge without a valid approval has no reviewer.';

CREATE VIEW security_review_times_by AS
WITH timed AS (
    SELECT dimension, value, week, count(*) AS reviews,
        percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY date_part('epoch', time_to_approval)) AS approval,
        percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY date_part('epoch', time_to_decision)) AS decision
    FROM security_review_by_dimension
    GROUP BY dimension, value, week)
SELECT dimension, value, week, reviews,
    make_interval(secs => approval[1]) AS approval_p50, make_interval(secs => approval[2]) AS approval_p90,
    make_interval(secs => approval[3]) AS approval_p99, make_interval(secs => decision[1]) AS decision_p50,
    make_interval(secs => decision[2]) AS decision_p90, make_interval(secs => decision[3]) AS decision_p99
FROM timed;
COMMENT ON VIEW security_review_times_by IS
    'Times from the label to the approval and to the decision by week and dimension; a longer period: security_review_measures.';

CREATE VIEW security_review_sla_by AS
SELECT dimension, value, week, count(*) FILTER (WHERE sla_met) AS met, count(*) FILTER (WHERE NOT sla_met) AS missed,
    count(*) FILTER (WHERE sla_met IS NULL) AS unknown,
    round(100.0 * count(*) FILTER (WHERE sla_met) / nullif(count(sla_met), 0), 1) AS adherence_percent
FROM security_review_by_dimension
WHERE sla_target IS NOT NULL
GROUP BY dimension, value, week;
COMMENT ON VIEW security_review_sla_by IS 'Targets met and missed by week and dimension; reviews without a target are not counted.';

CREATE FUNCTION security_review_measures(since date, before date, by security_review_dimension)
RETURNS TABLE (
    value text, reviews bigint, merged bigint, closed bigint,
    approved bigint, without_approval bigint, unverified bigint, approval_rate_percent numeric,
    approval_p50 interval, approval_p90 interval, approval_p99 interval,
    decision_p50 interval, decision_p90 interval, decision_p99 interval,
    sla_met bigint, sla_missed bigint, sla_unknown bigint, sla_adherence_percent numeric)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    WITH measured AS (
        SELECT review.value, count(*) AS reviews, count(*) FILTER (WHERE review.merged) AS merged,
            count(*) FILTER (WHERE decision = 'closed') AS closed, count(*) FILTER (WHERE review.approved) AS approved,
            count(*) FILTER (WHERE decision = 'merged_without_approval') AS without_approval,
            count(*) FILTER (WHERE decision = 'merged_unverified') AS unverified, count(review.approved) AS needed,
            percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY date_part('epoch', time_to_approval)) AS approval,
            percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY date_part('epoch', time_to_decision)) AS decision,
            count(*) FILTER (WHERE sla_target IS NOT NULL AND review.sla_met) AS met,
            count(*) FILTER (WHERE sla_target IS NOT NULL AND NOT review.sla_met) AS missed,
            count(*) FILTER (WHERE sla_target IS NOT NULL AND review.sla_met IS NULL) AS unknown
        FROM security_review_by_dimension AS review
        WHERE dimension = by AND decided_at >= since::timestamp AT TIME ZONE 'UTC' AND decided_at < before::timestamp AT TIME ZONE 'UTC'
        GROUP BY review.value)
    SELECT measured.value, measured.reviews, measured.merged, measured.closed, measured.approved, measured.without_approval,
        measured.unverified, round(100.0 * measured.approved / nullif(needed, 0), 1),
        make_interval(secs => approval[1]), make_interval(secs => approval[2]), make_interval(secs => approval[3]),
        make_interval(secs => measured.decision[1]), make_interval(secs => measured.decision[2]), make_interval(secs => measured.decision[3]),
        met, missed, unknown, round(100.0 * met / nullif(met + missed, 0), 1)
    FROM measured
$$;
COMMENT ON FUNCTION security_review_measures IS
    'All measures of the reviews decided from the day `since` on and before the day `before` (UTC), a row for each value of the dimension.';
