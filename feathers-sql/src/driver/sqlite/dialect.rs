//! The dialect: the texts of statements as SQLite reads them.

use sea_query::{QueryStatement, SqliteQueryBuilder};

/// Writes a statement.
pub(super) fn write(statement: &QueryStatement) -> String {
    match statement {
        QueryStatement::Select(select) => select.build(SqliteQueryBuilder).0,
        QueryStatement::Insert(insert) => insert.build(SqliteQueryBuilder).0,
        QueryStatement::Update(update) => update.build(SqliteQueryBuilder).0,
        QueryStatement::Delete(delete) => delete.build(SqliteQueryBuilder).0,
    }
}

#[cfg(test)]
mod tests {
    use feathers_core::{DataType, Field};

    use super::write;
    use crate::operator::Operator;
    use crate::predicate::Predicate;
    use crate::statement::{Direction, Key, Shape, Statements};

    const FIELDS: &[Field] = &[
        Field::new("id", DataType::Integer),
        Field::new("text", DataType::String),
        Field::new("a\"; DROP TABLE x--", DataType::Boolean),
    ];

    fn check(shape: &Shape, expected: &str) {
        let statements = Statements::new(write, "to\"do".into(), FIELDS, "id", "id");
        assert_eq!(&*statements.text(shape), expected);
        assert_eq!(&*statements.text(shape), expected, "from the cache");
    }

    #[test]
    fn texts() {
        let row = r#""id", "text", "a""; DROP TABLE x--", "id""#;
        check(&Shape::Get(Key::Id), &format!(r#"SELECT {row} FROM "to""do" WHERE "id" = ?"#));
        check(
            &Shape::Insert,
            &format!(r#"INSERT INTO "to""do" ("id", "text", "a""; DROP TABLE x--") VALUES (?, ?, ?) RETURNING {row}"#),
        );
        check(
            &Shape::Update(vec![1, 2], Key::Place),
            &format!(r#"UPDATE "to""do" SET "text" = ?, "a""; DROP TABLE x--" = ? WHERE "id" = ? RETURNING {row}"#),
        );
        check(&Shape::DeleteAll(Predicate::Always), &format!(r#"DELETE FROM "to""do" RETURNING {row}"#));
        check(&Shape::Largest, r#"SELECT "id" FROM "to""do" WHERE "id" < ? ORDER BY "id" DESC LIMIT ?"#);
        check(
            &Shape::PerKey {
                predicate: Predicate::In(0, 2),
                column: 1,
                order: vec![(2, Direction::Descending)],
                total: true,
            },
            &format!(
                r#"SELECT {row}, "$total" FROM (SELECT {row}, ROW_NUMBER() OVER ( PARTITION BY "text" ORDER BY "a""; DROP TABLE x--" DESC, "id" ASC ) AS "$rank", COUNT(*) OVER ( PARTITION BY "text" ) AS "$total" FROM "to""do" WHERE "id" IN (?, ?) AND "text" IS NOT NULL) AS "$numbered" WHERE "$rank" <= ? ORDER BY "text" ASC, "$rank" ASC LIMIT ?"#
            ),
        );
        check(&Shape::Count(Predicate::Never), r#"SELECT COUNT(*) FROM "to""do" WHERE FALSE"#);
        check(
            &Shape::Select {
                predicate: Predicate::All(vec![
                    Predicate::Any(vec![Predicate::Compare(1, Operator::NotEqual), Predicate::Null(1)]),
                    Predicate::In(0, 4),
                    Predicate::NotNull(2),
                ]),
                order: vec![(1, Direction::Descending)],
                window: true,
            },
            &format!(
                r#"SELECT {row} FROM "to""do" WHERE ("text" <> ? OR "text" IS NULL) AND "id" IN (?, ?, ?, ?) AND "a""; DROP TABLE x--" IS NOT NULL ORDER BY "text" DESC, "id" ASC LIMIT ? OFFSET ?"#
            ),
        );
    }
}
