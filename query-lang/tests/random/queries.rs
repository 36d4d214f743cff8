//! Random queries: a filter and the stages that work on one event at a time.

use super::Dice;
use super::events::RandomEvent;
use query_lang::quote;
use serde_json::{Map, Value};

pub struct Queries<'e> {
    pub dice: Dice,
    events: &'e [RandomEvent],
    /// Names that stages made, and whether there are no others any more.
    names: Vec<String>,
    closed: bool,
}

impl<'e> Queries<'e> {
    pub fn new(dice: Dice, events: &'e [RandomEvent]) -> Self {
        Self { dice, events, names: Vec::new(), closed: false }
    }

    /// A filter, often with stages behind it that can be streamed.
    pub fn query(&mut self) -> String {
        self.names.clear();
        self.closed = false;
        let mut query = if self.dice.chance(85) { self.filter(3) } else { String::new() };
        let stages = self.dice.pick(&[0, 0, 1, 1, 2, 3]);
        for _ in 0..stages {
            let stage = self.stage();
            query.push_str(" | ");
            query.push_str(&stage);
        }
        query
    }

    fn stage(&mut self) -> String {
        match self.dice.below(if self.closed { 8 } else { 14 }) {
            0..=2 => format!("where {}", self.condition(2)),
            3..=5 => self.eval(),
            6 if !self.closed => format!("search {}", self.filter(1)),
            6..=7 => self.fields(),
            8 => self.parse(),
            9 => self.extract(),
            10 => self.unpack(),
            11 => format!("drop {}", quote::column(&self.name_and_text().0)),
            12 => self.rename(),
            _ => format!("sample {}%", self.dice.pick(&["10", "50", "90", "2.5"])),
        }
    }

    fn eval(&mut self) -> String {
        let mut assignments = Vec::new();
        for _ in 0..1 + self.dice.below(2) {
            let value = self.any(2);
            let name = self.new_name();
            assignments.push(format!("{} = {value}", quote::column(&name)));
            self.names.push(name);
        }
        format!("eval {}", assignments.join(", "))
    }

    fn new_name(&mut self) -> String {
        self.dice.pick(&["y1", "y2", "y3", "status", "user.name", "message", "source", "x y"]).to_owned()
    }

    fn fields(&mut self) -> String {
        let mut columns = Vec::new();
        let mut names = Vec::new();
        for place in 0..1 + self.dice.below(3) {
            let (path, _) = self.name_and_text();
            let name = format!("f{place}");
            columns.push(format!("{} as {name}", quote::column(&path)));
            names.push(name);
        }
        self.names = names;
        self.closed = true;
        format!("fields {}", columns.join(", "))
    }

    fn parse(&mut self) -> String {
        let pattern = self.dice.pick(&[
            "<y1> <y2>",
            "user<y1>",
            "<y1>=<y2:number>",
            "<_>: <y3>",
            "<status:number>",
            "a<y1>b",
            "<y1>_<_>",
            "[<y2>",
        ]);
        if pattern == "<status:number>" {
            return format!("parse {} \"o<status:number>\"", self.text_field());
        }
        self.names.extend(
            ["y1", "y2", "y3"].iter().filter(|name| pattern.contains(*name)).map(|&name| name.to_owned()),
        );
        format!("parse {} \"{pattern}\"", self.text_field())
    }

    fn extract(&mut self) -> String {
        let pattern = self.dice.pick(&[
            r"(?P<y1>\d+)",
            r"(?P<y1>\w+)\W+(?P<y2>\w+)",
            "(?P<y2>[a-z]+)(x)?",
            "(?i)(?P<y3>ö|ü|timeout)",
            "^(?P<y1>.*)$",
        ]);
        self.names.extend(
            ["y1", "y2", "y3"].iter().filter(|name| pattern.contains(*name)).map(|&name| name.to_owned()),
        );
        format!("extract {} '{pattern}'", self.text_field())
    }

    fn text_field(&mut self) -> String {
        if self.dice.chance(60) { "message".to_owned() } else { quote::column(&self.name_and_text().0) }
    }

    fn unpack(&mut self) -> String {
        let format = self.dice.pick(&["json", "logfmt"]);
        let prefix = self.dice.pick(&["", " prefix=\"m.\""]);
        if prefix.is_empty() {
            self.names.extend(["status", "n", "user", "x", "msg", "a.b"].map(str::to_owned));
        } else {
            self.names.extend(["m.status", "m.n", "m.a.b", "m.tags"].map(str::to_owned));
        }
        format!("unpack {format}{prefix}")
    }

    fn rename(&mut self) -> String {
        let (path, _) = self.name_and_text();
        let name = self.dice.pick(&["r1", "r2.x", "user.id"]).to_owned();
        self.names.push(name.clone());
        format!("rename {} as {}", quote::column(&path), quote::column(&name))
    }

    /// One of the names that stages made: the only ones after `fields`.
    pub fn computed_name(&mut self) -> Option<String> {
        let wanted = self.closed || self.dice.chance(40);
        (wanted && !self.names.is_empty()).then(|| self.names[self.dice.below(self.names.len())].clone())
    }

    pub fn event(&mut self) -> &'e RandomEvent {
        &self.events[self.dice.below(self.events.len())]
    }

    /// A path of an event, and the value there.
    pub fn leaf(&mut self) -> Option<(String, Value)> {
        let event = self.event();
        let mut leaves = Vec::new();
        collect(&event.attributes, "", &mut leaves);
        (!leaves.is_empty()).then(|| leaves.swap_remove(self.dice.below(leaves.len())))
    }
}

fn collect(map: &Map<String, Value>, prefix: &str, leaves: &mut Vec<(String, Value)>) {
    for (name, value) in map {
        let path = format!("{prefix}{name}");
        match value {
            Value::Object(inner) => collect(inner, &format!("{path}."), leaves),
            leaf => leaves.push((path, leaf.clone())),
        }
    }
}
