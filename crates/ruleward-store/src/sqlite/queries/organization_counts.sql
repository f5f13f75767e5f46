-- The accounts of an organization (?1): id, name, state (null for the management account),
-- resources by verdict, rules that count by verdict. A rule without a verdict counts nowhere.
WITH joined (account, state) AS (
    SELECT management, NULL FROM organization WHERE no = ?1
    UNION ALL
    SELECT account, state FROM organization_member WHERE organization = ?1 AND state <> 'invited'
),
rules (account, compliant, non_compliant, undetermined) AS (
    SELECT
        p.account,
        sum(c.non_compliant = 0 AND c.undetermined = 0 AND c.compliant > 0),
        sum(c.non_compliant > 0),
        sum(c.non_compliant = 0 AND c.undetermined > 0)
    FROM joined j
    CROSS JOIN policy_assignment p ON p.account = j.account
    CROSS JOIN policy_assignment_count c ON c.account = p.account AND c.rule = p.no
    WHERE p.judges = 1
    GROUP BY p.account
)
SELECT
    a.domain_id, a.name, j.state,
    a.compliant, a.non_compliant, a.undetermined, a.exempt,
    ifnull(r.compliant, 0), ifnull(r.non_compliant, 0), ifnull(r.undetermined, 0), 0
FROM joined j
JOIN account a ON a.no = j.account
LEFT JOIN rules r ON r.account = j.account
