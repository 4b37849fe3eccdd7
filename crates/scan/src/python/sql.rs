//! Statements of databases that start programs or load code: the text that a cursor executes is a program, too.

use super::effects::Effect;
use super::value::Value;

/// Methods to which programs pass statements.
const METHODS: [&str; 8] = [
    ".execute",
    ".executemany",
    ".executescript",
    ".exec_driver_sql",
    ".sql",
    ".query",
    ".read_sql",
    ".text",
];

/// What a statement does that is given to such a method (PostgreSQL `COPY … PROGRAM`, SQL Server `xp_cmdshell`, SQLite
/// and MySQL extensions, DuckDB).
pub(super) fn effect(name: &str, arguments: &[Value]) -> Option<Effect> {
    if !METHODS.iter().any(|method| name.ends_with(method)) {
        return None;
    }
    let statement = arguments.first().and_then(Value::as_text)?.to_ascii_lowercase();
    let has = |part: &str| statement.contains(part);
    let program = (has(" to program ") || has(" from program ")) && has("copy");
    if program || has("xp_cmdshell") || has("sys_exec(") || has("dbms_scheduler") || has("sp_oacreate") {
        return Some(Effect::Command);
    }
    let language = has("language plpython3u") || has("language plpythonu") || has("language plperlu");
    if language || has("sp_execute_external_script") {
        return Some(Effect::Code);
    }
    (has("load_extension(") || has(" soname ") || has("into dumpfile")).then_some(Effect::Native)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_that_leave_the_database_are_told() {
        let of = |text: &str| effect("psycopg2.connect().cursor().execute", &[Value::text(text)]);
        assert_eq!(of("COPY (select 1) TO PROGRAM 'id'"), Some(Effect::Command));
        assert_eq!(of("exec xp_cmdshell 'dir'"), Some(Effect::Command));
        assert_eq!(of("select load_extension('x')"), Some(Effect::Native));
        assert_eq!(of("select program from copy"), None);
        assert_eq!(effect("print", &[Value::text("xp_cmdshell")]), None);
    }
}
