SELECT at FROM (
    SELECT since AS at FROM relation WHERE target = ?1 AND since BETWEEN ?2 AND ?3
    UNION
    SELECT since FROM relation_past WHERE target = ?1 AND since BETWEEN ?2 AND ?3
    UNION
    SELECT until FROM relation_past WHERE target = ?1 AND until BETWEEN ?2 AND ?3
)
ORDER BY at * ?4 LIMIT ?5
