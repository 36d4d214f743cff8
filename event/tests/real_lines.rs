//! Real lines of eight systems, when a checkout has them beside it (they may not be kept in the repository).
//! Every line is an event, its text is kept to the byte, and its header is understood.

use std::path::PathBuf;

use event::{Content, Event, Intake, Level, decode};

/// 2026-11-21T00:00:00Z
const NOW: i64 = 1_795_219_200_000_000_000;

fn corpus(name: &str) -> Option<String> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folders = ["../../shared/data/logs", "../../../shared/data/logs"].map(|folder| root.join(folder));
    let bytes = folders.iter().find_map(|folder| std::fs::read(folder.join(name)).ok())?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn events<'a>(body: &'a str, content: Content) -> Vec<Event<'a>> {
    let intake = Intake::new(NOW, 36_500);
    decode(body.as_bytes(), content)
        .map(|item| intake.normalise(item.expect("a whole body").expect("an event")).expect("accepted"))
        .collect()
}

#[test]
fn every_line_is_understood_and_kept() {
    // Name, lines with a level, lines with a program, the year of their times.
    for (name, levels, programs, year) in [
        ("Apache.log", 1_000, 0, "2005"),
        ("HDFS.log", 1_000, 1_000, "2008"),
        ("Hadoop.log", 1_000, 1_000, "2015"),
        ("Linux.log", 0, 990, "2026"),
        ("OpenSSH.log", 0, 1_000, "2025"),
        ("OpenStack.log", 1_000, 1_000, "2017"),
        ("Spark.log", 1_000, 990, "2017"),
        ("Zookeeper.log", 1_000, 990, "2015"),
    ] {
        let Some(text) = corpus(name) else { return };
        let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();

        let of_text = events(&text, Content::Text);

        assert_eq!(of_text.iter().map(|event| &*event.message).collect::<Vec<_>>(), lines, "{name}");
        let with_level = of_text.iter().filter(|event| event.level != Level::Unknown).count();
        let with_program = of_text.iter().filter(|event| !event.source.is_empty()).count();
        let with_year = of_text
            .iter()
            .filter(|event| event::time::format_rfc3339(event.timestamp_ns).starts_with(year))
            .count();
        assert!(with_level >= levels, "{name}: {with_level} levels");
        assert!(with_program >= programs, "{name}: {with_program} programs");
        assert_eq!(with_year, lines.len(), "{name}");

        let ndjson: String =
            lines.iter().map(|line| format!("{}\n", serde_json::json!({ "message": line }))).collect();
        assert_eq!(events(&ndjson, Content::NdJson), of_text, "{name}");
    }
}
