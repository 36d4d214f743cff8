//! Which claimed notifications leave together: an address or a Slack channel that was just sent several messages is sent what
//! follows as one digest.
//!
//! Who leaves together is written down before it is sent, under the id of the first one: a repeat is the same message under the
//! same id. The others of a digest are claimed with their first one, never by themselves.

use super::outbox::Claimed;
use crate::db::Db;
use crate::on;
use crate::time::{MINUTE_US, Micros, SECOND_US};
use uuid::Uuid;

/// Messages of so long ago count when the next one is about to leave.
const RECENT_US: Micros = MINUTE_US;
/// How long the first one waits for others when too many have just left.
const GATHER_US: Micros = 30 * SECOND_US;
/// Notifications in one digest.
const MOST: i64 = 200;

macro_rules! returning {
    ($update:literal) => {
        concat!(
            $update,
            " RETURNING organization_id, id, recipient_kind, recipient_id, address, payload, attempts, fence, created_at, \
            gathers, digest_id"
        )
    };
}
pub(super) use returning;

crate::statements! {
    RECENT = "SELECT COUNT(DISTINCT COALESCE(digest_id, id)) FROM alert_outbox \
        WHERE recipient_id = $1 AND address = $2 AND sent_at > $3";
    // with them comes nothing that must wait for an earlier notification of its rule
    JOIN = returning!("UPDATE alert_outbox SET digest_id = $1, claimed_until = $2, fence = fence + 1 \
        WHERE state = 'queued' AND digest_id IS NULL AND id IN ( \
            SELECT o.id FROM alert_outbox o \
            WHERE o.recipient_id = $3 AND o.address = $4 AND o.state = 'queued' AND o.gathers AND o.digest_id IS NULL \
            AND o.next_attempt_at <= $5 AND o.created_at <= $6 AND (o.claimed_until < $6 OR o.claimed_until = $2) AND NOT EXISTS ( \
                SELECT 1 FROM alert_outbox e WHERE e.recipient_id = o.recipient_id AND e.state = 'queued' AND e.id < o.id \
                AND e.rule_id = o.rule_id AND e.address = o.address \
                AND (e.digest_id IS NOT NULL OR (e.claimed_until >= $6 AND e.claimed_until <> $2))) \
            ORDER BY o.id LIMIT $7)");
    REJOIN = returning!("UPDATE alert_outbox SET claimed_until = $2, fence = fence + 1 WHERE digest_id = $1 AND state = 'queued'");
}

/// What becomes of the notifications of one recipient that are due at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crowd {
    /// Each is a message of its own.
    Alone,
    Together,
    /// More may come until then.
    Wait(Micros),
}

/// `recent`: messages that have just left there; `here`: notifications that are due; `oldest`: when the first of them was made.
#[must_use]
pub fn decide(digest_after: u32, recent: i64, here: usize, oldest: Micros, now: Micros) -> Crowd {
    let (after, here) = (i64::from(digest_after), i64::try_from(here).unwrap_or(i64::MAX));
    if after == 0 || recent.saturating_add(here) <= after {
        return Crowd::Alone;
    }
    match oldest + GATHER_US {
        until if recent >= after && now < until => Crowd::Wait(until),
        _ => Crowd::Together,
    }
}

/// Messages that left to the recipient of `row` within the last minute.
pub async fn recent(db: &Db, row: &Claimed, now: Micros) -> Result<i64, sqlx::Error> {
    on!(db.read(), pool => sqlx::query_scalar(RECENT)
        .bind(row.recipient_id).bind(&row.address).bind(now - RECENT_US).fetch_one(pool).await)
}

/// Claims all that the recipient of `first` waits for, as one digest. `claim_until` is that of the claim of `first`.
pub async fn join(
    db: &Db,
    first: &Claimed,
    claim_until: Micros,
    now: Micros,
) -> Result<Vec<Claimed>, sqlx::Error> {
    let rows: Vec<Claimed> = on!(db.write(), pool => sqlx::query_as(JOIN)
        .bind(first.id).bind(claim_until).bind(first.recipient_id).bind(&first.address)
        .bind(now + GATHER_US).bind(now).bind(MOST).fetch_all(pool).await)?;
    Ok(in_order(rows))
}

/// Claims the rest of a digest whose first one was claimed.
pub async fn rejoin(db: &Db, digest_id: Uuid, claim_until: Micros) -> Result<Vec<Claimed>, sqlx::Error> {
    let rows: Vec<Claimed> = on!(db.write(), pool => sqlx::query_as(REJOIN)
        .bind(digest_id).bind(claim_until).fetch_all(pool).await)?;
    Ok(in_order(rows))
}

/// Ids are ordered by time; the first one names the digest.
fn in_order(mut rows: Vec<Claimed>) -> Vec<Claimed> {
    rows.sort_by_key(|row| row.id);
    rows
}

#[cfg(test)]
mod tests {
    use super::super::testing::{World, databases, header};
    use super::*;
    use serde_json::json;
    use tokio_util::sync::CancellationToken;

    #[test]
    fn few_messages_leave_alone_and_many_together() {
        let (second, now) = (SECOND_US, 1_000 * SECOND_US);
        for (after, recent, here, age, expected) in [
            (5, 0, 5, 0, Crowd::Alone),
            (5, 4, 1, 0, Crowd::Alone),
            (5, 0, 6, 0, Crowd::Together),
            (5, 5, 1, 0, Crowd::Wait(now + GATHER_US)),
            (5, 5, 1, 29 * second, Crowd::Wait(now + second)),
            (5, 5, 1, 30 * second, Crowd::Together),
            (0, 99, 99, 0, Crowd::Alone),
        ] {
            assert_eq!(
                decide(after, recent, here, now - age, now),
                expected,
                "{after} {recent} {here} {age}"
            );
        }
    }

    #[tokio::test]
    async fn many_alerts_at_once_are_one_mail_and_each_is_told_in_it() {
        for db in databases().await {
            let world = World::new(db).await;
            let channel = world.email_channel(&["ann@acme.example"]).await.id;
            for number in 0..20 {
                world.rule(json!({"name": format!("rule {number}"), "channel_ids": [channel]})).await;
            }
            world.search.value(12.0);
            world.minute(0).await;
            let mails = world.mails();
            assert_eq!(mails.len(), 1, "{:?}", world.subjects());
            assert_eq!(header(&mails[0], "Subject"), "20 alerts: 20 firing");
            let text = mails[0].replace("=\r\n", "");
            assert!((0..20).all(|number| text.contains(&format!("rule {number}"))), "{text}");
            let sent = "SELECT COUNT(*) FROM alert_outbox WHERE state = 'sent' AND digest_id IS NOT NULL";
            assert_eq!(world.count(sent).await, 20);
            assert_eq!(world.count("SELECT COUNT(*) FROM alert_deliveries WHERE outcome = 'sent'").await, 20);
        }
    }

    #[tokio::test]
    async fn what_comes_one_after_the_other_is_gathered_after_the_fifth() {
        let world = World::new(databases().await.remove(0)).await;
        let channel = world.email_channel(&["ann@acme.example"]).await.id;
        world.search.value(12.0);
        for number in 0..12 {
            world.rule(json!({"name": format!("rule {number}"), "channel_ids": [channel]})).await;
            world.go_to(world.start + number * SECOND_US);
            world.scheduler.renew().await.unwrap();
            world.scheduler.run_due(world.clock.now()).await.unwrap();
            world.send().await;
        }
        assert_eq!(world.mails().len(), 5, "the others wait for more");
        world.go_to(world.start + 36 * SECOND_US);
        world.send().await;
        assert_eq!(world.subjects()[5..], ["7 alerts: 7 firing"]);
        assert_eq!(world.count("SELECT COUNT(*) FROM alert_outbox WHERE state = 'queued'").await, 0);
    }

    #[tokio::test]
    async fn a_digest_that_was_not_written_down_is_repeated_as_it_was() {
        let world = World::new(databases().await.remove(0)).await;
        let channel = world.email_channel(&["ann@acme.example"]).await.id;
        for _ in 0..8 {
            world.rule(json!({"channel_ids": [channel]})).await;
        }
        world.search.value(12.0);
        world.minute(0).await;
        let first = world.mails().remove(0);
        // as after a crash between the sending and the note of it, and another rule fires meanwhile
        world
            .execute(
                "UPDATE alert_outbox SET state = 'queued', sent_at = NULL, next_attempt_at = 0, claimed_until = 0",
            )
            .await;
        world.execute("DELETE FROM alert_deliveries").await;
        world.rule(json!({"name": "later", "channel_ids": [channel]})).await;
        world.minute(1).await;
        let again: Vec<_> = world.mails();
        let is_repeat = |mail: &&String| header(mail, "Message-ID") == header(&first, "Message-ID");
        assert_eq!(again.iter().filter(is_repeat).count(), 1, "files have the name of their message");
        assert!(again.iter().filter(is_repeat).all(|mail| header(mail, "Subject") == "8 alerts: 8 firing"));
        assert!(world.subjects().iter().any(|subject| subject.contains("later")), "{:?}", world.subjects());
    }

    #[tokio::test]
    async fn two_nodes_send_a_digest_once() {
        let world = World::new(databases().await.remove(0)).await;
        let channel = world.email_channel(&["ann@acme.example"]).await.id;
        for _ in 0..40 {
            world.rule(json!({"channel_ids": [channel]})).await;
        }
        world.search.value(12.0);
        world.go_to(world.start);
        world.scheduler.renew().await.unwrap();
        world.scheduler.run_due(world.start).await.unwrap();
        let (now, stop) = (world.start, CancellationToken::new());
        let clock = || now;
        let (one, two) = (world.outbox.clone(), world.another_outbox());
        let _ = tokio::join!(one.send_due(&clock, &stop), two.send_due(&clock, &stop));
        world.send().await;
        assert_eq!(world.count("SELECT COUNT(*) FROM alert_deliveries").await, 40);
        assert_eq!(world.count("SELECT COUNT(*) FROM alert_outbox WHERE state = 'sent'").await, 40);
    }
}
