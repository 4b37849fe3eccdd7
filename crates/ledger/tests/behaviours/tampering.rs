//! Whoever can write the database changes something; verification has to say what.

use proofhouse_ledger::{Filter, Ledger, LedgerError, Problem};
use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Query};
use sea_orm::{ConnectionTrait as _, DatabaseConnection};

use crate::support::{Place, life, model, note, overwrite, verifier};

async fn problems(ledger: &Ledger) -> Vec<Problem> {
    ledger.verify(&verifier(), None).await.unwrap().problems
}

/// A ledger with every kind of row, written in four appends.
async fn ledger(place: &Place) -> Ledger {
    let ledger = place.open().await;
    let events = life(&ledger).await;
    for part in events.chunks(5) {
        ledger.append(part).await.unwrap();
    }
    ledger
}

async fn delete(raw: &DatabaseConnection, table: &'static str, column: &'static str, least: i64) {
    let rows = Query::delete()
        .from_table(Alias::new(table))
        .and_where(Expr::col(Alias::new(column)).gte(least))
        .to_owned();
    assert!(raw.execute(&rows).await.unwrap().rows_affected() > 0);
}

pub async fn a_sound_ledger_has_no_problem(place: &Place) {
    let ledger = ledger(place).await;
    let kept = ledger.checkpoint().await.unwrap().unwrap();
    ledger.append(&[note("later")]).await.unwrap();
    let report = ledger.verify(&verifier(), Some(&kept.note)).await.unwrap();
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_eq!((report.size, report.checkpoints, report.objects), (19, 5, 2));
    assert_eq!(report.external, Some(18));
    assert_eq!(report.nodes, 19 - 3);
    // An empty ledger is sound as well.
    let empty = Place::sqlite();
    assert!(empty.open().await.verify(&verifier(), None).await.unwrap().is_sound());
}

pub async fn every_changed_byte_of_the_log_is_found(place: &Place) {
    let ledger = ledger(place).await;
    let raw = place.raw().await;
    for seq in 0..18i64 {
        let leaf = read(&raw, "leaves", "seq", seq, "leaf").await;
        // A quarter of the bytes of one leaf, and a sample of every other.
        let step = if seq == 5 { 4 } else { 101 };
        for at in (usize::try_from(seq).unwrap() % step..leaf.len()).step_by(step) {
            let mut changed = leaf.clone();
            changed[at] ^= 1 << (at % 8);
            overwrite(&raw, "leaves", "seq", seq, "leaf", changed).await;
            let found = problems(&ledger).await;
            assert_eq!((found[0].table, &found[0].row), ("leaves", &seq.to_string()), "byte {at}");
            assert!(found[0].reason.contains("hash"), "{}", found[0]);
        }
        overwrite(&raw, "leaves", "seq", seq, "leaf", leaf).await;

        let hash = read(&raw, "leaves", "seq", seq, "hash").await;
        let mut changed = hash.clone();
        changed[usize::try_from(seq).unwrap()] ^= 0x80;
        overwrite(&raw, "leaves", "seq", seq, "hash", changed).await;
        let found = problems(&ledger).await;
        assert_eq!((found.len(), found[0].table, &found[0].row), (1, "leaves", &seq.to_string()));
        overwrite(&raw, "leaves", "seq", seq, "hash", hash).await;
    }
    // Bytes of the node above leaves 0 to 15, which is the only one of its level.
    let node = read(&raw, "nodes", "level", 4i64, "hash").await;
    for at in (0..32).step_by(5) {
        let mut changed = node.clone();
        changed[at] ^= 1;
        overwrite(&raw, "nodes", "level", 4i64, "hash", changed).await;
        let found = problems(&ledger).await;
        assert_eq!((found.len(), found[0].table, found[0].row.as_str()), (1, "nodes", "level 4, position 0"));
    }
    overwrite(&raw, "nodes", "level", 4i64, "hash", node).await;
    // A third of the bytes of the checkpoint at 10; the tests of notes change every byte of one.
    let text = String::from_utf8(read(&raw, "checkpoints", "size", 10i64, "note").await).unwrap();
    for at in (0..text.len()).step_by(3) {
        let mut changed = text.clone().into_bytes();
        changed[at] ^= 1;
        // Changed to what is no UTF-8 it could not be stored as text at all.
        let Ok(changed) = String::from_utf8(changed) else { continue };
        overwrite(&raw, "checkpoints", "size", 10i64, "note", changed).await;
        let found = problems(&ledger).await;
        assert_eq!(
            (found.len(), found[0].table, found[0].row.as_str()),
            (1, "checkpoints", "10"),
            "byte {at}"
        );
    }
    overwrite(&raw, "checkpoints", "size", 10i64, "note", text).await;
    assert_eq!(problems(&ledger).await, []);
}

pub async fn changed_columns_and_missing_rows_are_named(place: &Place) {
    let ledger = ledger(place).await;
    let raw = place.raw().await;
    overwrite(&raw, "leaves", "seq", 3i64, "kind", "gate-decided").await;
    assert!(problems(&ledger).await[0].to_string().starts_with("leaves 3: field kind"));
    overwrite(&raw, "leaves", "seq", 3i64, "kind", "plan-written").await;
    overwrite(&raw, "leaves", "seq", 3i64, "subject", model().to_string()).await;
    assert!(problems(&ledger).await[0].to_string().starts_with("leaves 3: field subject"));
    overwrite(&raw, "leaves", "seq", 3i64, "subject", None::<String>).await;
    overwrite(&raw, "checkpoints", "size", 5i64, "size", 6i64).await;
    assert!(problems(&ledger).await[0].to_string().starts_with("checkpoints 6:"));
    overwrite(&raw, "checkpoints", "size", 6i64, "size", 0i64).await;
    assert!(problems(&ledger).await[0].to_string().starts_with("checkpoints up to 0"));
    overwrite(&raw, "checkpoints", "size", 0i64, "size", 5i64).await;
    overwrite(&raw, "nodes", "level", 4i64, "level", 5i64).await;
    assert_eq!(problems(&ledger).await[0].to_string(), "nodes level 4, position 0: the node is missing");
    overwrite(&raw, "nodes", "level", 5i64, "level", 4i64).await;
    overwrite(&raw, "leaves", "seq", 7i64, "seq", 70i64).await;
    let found = problems(&ledger).await;
    assert!(found[0].to_string().starts_with("leaves 7: the leaf is missing"), "{}", found[0]);
    overwrite(&raw, "leaves", "seq", 70i64, "seq", 7i64).await;
    overwrite(&raw, "ledger_meta", "name", "verifier-key", "content", "other").await;
    assert_eq!(problems(&ledger).await[0].table, "ledger_meta");
    overwrite(&raw, "ledger_meta", "name", "verifier-key", "content", verifier().to_string()).await;
    delete_objects(&raw).await;
    let found = problems(&ledger).await;
    assert_eq!((found.len(), found[0].table), (2, "objects"));
    assert!(found.iter().any(|p| p.reason.contains("leaf 4")), "{found:?}");
}

async fn delete_objects(raw: &DatabaseConnection) {
    raw.execute(Query::delete().from_table(Alias::new("objects"))).await.unwrap();
}

pub async fn a_cut_tail_is_found_with_a_checkpoint_from_elsewhere(place: &Place) {
    let ledger = ledger(place).await;
    let kept = ledger.checkpoint().await.unwrap().unwrap();
    let raw = place.raw().await;
    // Back to the checkpoint at 15, with all that goes with it: rows of nodes and views included.
    delete(&raw, "leaves", "seq", 15).await;
    let found = problems(&ledger).await;
    assert!(found.iter().any(|p| p.table == "checkpoints" && p.reason.contains("cut off")), "{found:?}");
    delete(&raw, "checkpoints", "size", 16).await;
    delete(&raw, "nodes", "level", 4).await;
    for level in 1..4i64 {
        let beyond = Query::delete()
            .from_table(Alias::new("nodes"))
            .and_where(Expr::col(Alias::new("level")).eq(level))
            .and_where(Expr::col(Alias::new("position")).gte(15 >> level))
            .to_owned();
        raw.execute(&beyond).await.unwrap();
    }
    ledger.rebuild().await.unwrap();
    assert_eq!(problems(&ledger).await, [], "nothing inside can tell");
    let found = ledger.verify(&verifier(), Some(&kept.note)).await.unwrap().problems;
    assert_eq!((found.len(), found[0].table, found[0].row.as_str()), (1, "checkpoint", "18"));
    assert!(found[0].reason.contains("cut off"), "{}", found[0]);
}

pub async fn a_rewritten_ledger_is_found_with_a_checkpoint_from_elsewhere(place: &Place) {
    // The same key signs another history of the same length: a thief of key and database.
    let kept = {
        let elsewhere = Place::sqlite();
        let ledger = elsewhere.open().await;
        ledger.append(&[note("what was"), note("and more")]).await.unwrap().checkpoint
    };
    let ledger = place.open().await;
    ledger.append(&[note("what shall have been"), note("and more"), note("and on")]).await.unwrap();
    assert_eq!(problems(&ledger).await, []);
    let found = ledger.verify(&verifier(), Some(&kept.note)).await.unwrap().problems;
    assert_eq!((found[0].table, found[0].row.as_str()), ("checkpoint", "2"));
    assert!(found[0].reason.contains("rewritten"), "{}", found[0]);
    // A note that the key has not signed tells nothing.
    let forged = kept.note.replace("\n2\n", "\n3\n");
    assert!(matches!(ledger.verify(&verifier(), Some(&forged)).await, Err(LedgerError::Note(_))));
}

pub async fn nothing_is_signed_on_top_of_a_changed_tree(place: &Place) {
    let ledger = ledger(place).await;
    let raw = place.raw().await;
    let more = [note("more")];
    // The frontier of 18 leaves: the node over 0 to 15 and the one over 16 and 17.
    let node = read(&raw, "nodes", "level", 4i64, "hash").await;
    overwrite(&raw, "nodes", "level", 4i64, "hash", vec![0u8; 32]).await;
    assert!(matches!(ledger.append(&more).await, Err(LedgerError::Head { .. })));
    overwrite(&raw, "nodes", "level", 4i64, "hash", vec![0u8; 31]).await;
    assert!(matches!(ledger.append(&more).await, Err(LedgerError::Row { table: "nodes", .. })));
    overwrite(&raw, "nodes", "level", 4i64, "hash", node).await;
    overwrite(&raw, "checkpoints", "size", 18i64, "note", "forged").await;
    assert!(matches!(ledger.append(&more).await, Err(LedgerError::Note(_))));
    delete(&raw, "checkpoints", "size", 16).await;
    assert!(matches!(ledger.append(&more).await, Err(LedgerError::Head { .. })));
    delete(&raw, "leaves", "seq", 15).await;
    // The tree ends at a checkpoint again, but the stored one above it is of another tree.
    assert!(ledger.append(&more).await.is_err());
}

pub async fn a_changed_view_is_reported_and_rebuilt(place: &Place) {
    let ledger = ledger(place).await;
    let raw = place.raw().await;
    overwrite(&raw, "evidence", "check", "scan", "verdict", "unknown").await;
    overwrite(&raw, "threats", "id", "EVA-01", "state", "controlled").await;
    raw.execute(Query::delete().from_table(Alias::new("recalls"))).await.unwrap();
    let found = problems(&ledger).await;
    let views: Vec<_> = found.iter().map(|p| p.table).collect();
    assert_eq!(views, ["threats", "evidence", "recalls"]);
    assert!(
        found[0].row.contains("EVA-01") && found[0].reason.contains("\"state\":\"open\""),
        "{}",
        found[0]
    );
    assert!(found[2].reason.contains("missing"), "{}", found[2]);
    ledger.rebuild().await.unwrap();
    assert_eq!(problems(&ledger).await, []);
    assert!(ledger.is_recalled(&model()).await.unwrap());

    // A rebuild trusts no changed leaf either.
    overwrite(&raw, "leaves", "seq", 5i64, "leaf", b"{}".to_vec()).await;
    assert!(matches!(ledger.rebuild().await, Err(LedgerError::Row { table: "leaves", .. })));
    assert!(matches!(ledger.get(5).await, Err(LedgerError::Row { table: "leaves", .. })));
    assert!(matches!(ledger.show(&Filter::default()).await, Err(LedgerError::Row { .. })));
}

/// The bytes of one column of one row, text as UTF-8.
async fn read(
    raw: &DatabaseConnection,
    table: &'static str,
    key: &'static str,
    value: i64,
    column: &'static str,
) -> Vec<u8> {
    let query = Query::select()
        .column(Alias::new(column))
        .from(Alias::new(table))
        .and_where(Expr::col(Alias::new(key)).eq(value))
        .to_owned();
    let row = raw.query_one(&query).await.unwrap().unwrap();
    row.try_get_by_index::<Vec<u8>>(0)
        .or_else(|_| row.try_get_by_index::<String>(0).map(String::into_bytes))
        .unwrap()
}
