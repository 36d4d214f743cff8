//! Random expressions of §7.2: every function, with arguments of its type and of others.

use super::events::TEXTS;
use super::queries::Queries;
use query_lang::quote;

impl Queries<'_> {
    /// A condition.
    pub fn condition(&mut self, depth: usize) -> String {
        if depth == 0 || self.dice.chance(20) {
            return self.test();
        }
        let next = depth - 1;
        match self.dice.below(9) {
            0 => format!("({}) and {}", self.condition(next), self.test()),
            1 => format!("({}) or {}", self.condition(next), self.test()),
            2 => format!("not ({})", self.condition(next)),
            3 => format!("{} in ({}, {})", self.any(next), self.any(0), self.any(0)),
            4 => format!("{} not in ({}, {})", self.any(next), self.any(0), self.any(0)),
            5 => format!("if({}, {}, {})", self.condition(next), self.condition(0), self.any(0)),
            _ => {
                let op = self.dice.pick(&["=", "!=", "<", "<=", ">", ">="]);
                format!("({}) {op} ({})", self.any(next), self.any(next))
            }
        }
    }

    fn test(&mut self) -> String {
        let (name, text) = self.name_and_text();
        let column = quote::column(&name);
        let (value, part) = (self.value(&text), quote::string(&self.part(&text)));
        match self.dice.below(14) {
            0 => format!("exists({column})"),
            1 => format!("missing({column})"),
            2 => format!("contains({}, {part})", self.text(1)),
            3 => format!("startswith({column}, {part})"),
            4 => format!("endswith({}, {})", self.text(1), self.text(0)),
            5 => format!("phrase({}, {part})", self.text(1)),
            6 => format!("{} =~ {}", self.text(1), self.regex(&text)),
            7 => format!("{column} !~ {}", self.regex(&text)),
            8 => format!("cidr({column}, \"10.0.0.0/8\", \"::/16\")"),
            9 => format!("to_bool({column})"),
            10 => column,
            11 => format!(
                "level {} {}",
                self.dice.pick(&[">=", "<", "=", "!="]),
                self.dice.pick(&["info", "warn"])
            ),
            12 => format!("{column} {} {}", self.dice.pick(&[">", "<=", "=", "!="]), self.number(0)),
            _ => format!("({column}:{value})"),
        }
    }

    pub fn any(&mut self, depth: usize) -> String {
        match self.dice.below(8) {
            0..=2 => self.number(depth),
            3..=4 => self.text(depth),
            5 => self.column(),
            6 if depth > 0 => self.condition(depth - 1),
            7 if depth > 0 => self.moment_value(),
            _ => self.dice.pick(&["true", "false", "null", "5", "'500'", "''", "0", "-1"]).to_owned(),
        }
    }

    fn column(&mut self) -> String {
        quote::column(&self.name_and_text().0)
    }

    fn moment_value(&mut self) -> String {
        match self.dice.below(6) {
            0 => "timestamp + 15m".to_owned(),
            1 => "now()".to_owned(),
            2 => "bin(5m)".to_owned(),
            3 => format!("bin(timestamp, {})", self.dice.pick(&["1m", "15m", "1h", "6h", "1d", "1w", "20s"])),
            4 => format!("least(timestamp, timestamp - {})", self.dice.pick(&["1ms", "1h"])),
            _ => "timestamp".to_owned(),
        }
    }

    fn number(&mut self, depth: usize) -> String {
        if depth == 0 || self.dice.chance(20) {
            return match self.dice.below(3) {
                0 => self.column(),
                _ => self.dice.pick(&["0", "1", "2.5", "500", "1e3", "0.1", "-3", "7"]).to_owned(),
            };
        }
        let next = depth - 1;
        match self.dice.below(16) {
            0 => format!("{}({})", self.dice.pick(&["abs", "ceil", "floor", "sqrt"]), self.number(next)),
            1 => format!("{}({})", self.dice.pick(&["ln", "log10", "exp"]), self.number(next)),
            2 => format!("round({}, {})", self.number(next), self.dice.pick(&["0", "1", "-2", "3"])),
            3 => format!("pow({}, {})", self.number(next), self.dice.pick(&["2", "0.5", "-1", "0"])),
            4 => format!("length({})", self.text(next)),
            5 => format!("to_number({})", self.any(next)),
            6 => format!("least({}, {}, {})", self.number(next), self.any(0), self.any(0)),
            7 => format!("greatest({}, {})", self.number(next), self.any(0)),
            8 => "hour(timestamp)".to_owned(),
            9 => format!("bin({}, {})", self.column(), self.dice.pick(&["100", "0.5", "7"])),
            10 => format!("if({}, {}, {})", self.condition(next), self.number(0), self.number(0)),
            11 => format!("-({})", self.number(next)),
            12 => "timestamp - bin(1h)".to_owned(),
            _ => {
                let op = self.dice.pick(&["+", "-", "*", "/", "%"]);
                format!("({}) {op} ({})", self.number(next), self.number(next))
            }
        }
    }

    pub fn text(&mut self, depth: usize) -> String {
        if depth == 0 || self.dice.chance(20) {
            return match self.dice.chance(60) {
                true => self.column(),
                false => quote::string(self.dice.pick(TEXTS)),
            };
        }
        let next = depth - 1;
        let (_, text) = self.name_and_text();
        let part = quote::string(&self.part(&text));
        match self.dice.below(16) {
            0 => format!("lower({})", self.text(next)),
            1 => format!("upper({})", self.text(next)),
            2 => format!("trim({})", self.text(next)),
            3 => format!(
                "substr({}, {})",
                self.text(next),
                self.dice.pick(&["1", "2", "0", "-1", "100", "1.9"])
            ),
            4 => format!(
                "substr({}, {}, {})",
                self.text(next),
                self.dice.pick(&["1", "3"]),
                self.dice.pick(&["2", "0", "50"])
            ),
            5 => format!("replace({}, {part}, {})", self.text(next), self.text(0)),
            6 => format!(
                "replace_re({}, {}, {})",
                self.text(next),
                self.regex(&text),
                self.dice.pick(&["'<\\1>'", "''", "'$1'", "'\\0\\0'"])
            ),
            7 => format!(
                "split_part({}, {}, {})",
                self.text(next),
                self.dice.pick(&["' '", "'.'", "'/'", "'ö'"]),
                self.dice.pick(&["1", "2", "0", "9"])
            ),
            8 => format!("concat({}, {}, {})", self.any(next), self.text(0), self.any(0)),
            9 => format!(
                "extract({}, {})",
                self.text(next),
                self.dice.pick(&[r"'(\d+)'", r"'(\w+) (\w+)'", "'(a)|b'", r"'x'", r"'^(.*)$'", "'(é|ö)'"])
            ),
            10 => format!("to_string({})", self.any(next)),
            11 => format!("typeof({})", self.any(next)),
            12 => format!(
                "format_time(timestamp, {})",
                self.dice.pick(&["'%Y-%m-%d %H:%M:%S'", "'%F %T.%f'", "'%b %e %p'", "'%a %j %u %y %z%%'"])
            ),
            13 => format!(
                "json(message, {})",
                self.dice.pick(&["'a'", "'http.status'", "'user.name'", "'x'", "'tags'"])
            ),
            14 => format!("coalesce({}, {}, {})", self.column(), self.any(0), self.any(0)),
            _ => format!(
                "case({}, {}, {}, {}, {})",
                self.condition(next),
                self.any(0),
                self.condition(0),
                self.text(0),
                self.any(0)
            ),
        }
    }
}
