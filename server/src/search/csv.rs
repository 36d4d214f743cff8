//! Rows as CSV (RFC 4180) that is safe to open in a spreadsheet.

use super::respond::RowForm;
use bytes::BytesMut;
use serde_json::Value;

/// The columns of a file.
pub(super) struct Csv {
    columns: Vec<String>,
}

impl Csv {
    pub fn of(form: &RowForm) -> Self {
        let id = form.is_events().then(|| "id".to_owned());
        Self { columns: id.into_iter().chain(form.columns().into_iter().map(|column| column.name)).collect() }
    }

    pub fn header(&self, out: &mut BytesMut) {
        self.cells(self.columns.iter().map(|name| guarded(name)), out);
    }

    pub fn line(&self, row: &Value, out: &mut BytesMut) {
        self.cells(self.columns.iter().map(|name| cell(row.get(name).unwrap_or(&Value::Null))), out);
    }

    fn cells(&self, cells: impl Iterator<Item = String>, out: &mut BytesMut) {
        for (index, cell) in cells.enumerate() {
            if index > 0 {
                out.extend_from_slice(b",");
            }
            out.extend_from_slice(quoted(&cell).as_bytes());
        }
        out.extend_from_slice(b"\r\n");
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => guarded(text),
        // Numbers, objects and lists begin with nothing that a spreadsheet would run.
        other => other.to_string(),
    }
}

/// Text that a spreadsheet would take for a formula gets an apostrophe; numbers stay what they are.
fn guarded(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line(row: &Value) -> String {
        let csv = Csv { columns: vec!["a".into(), "b".into(), "c".into()] };
        let mut out = BytesMut::new();
        csv.line(row, &mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let row = json!({ "a": "x,\"y\"\nz", "b": null, "c": { "k": [1] } });
        assert_eq!(line(&row), "\"x,\"\"y\"\"\nz\",,\"{\"\"k\"\":[1]}\"\r\n");
    }

    #[test]
    fn no_text_becomes_a_formula_and_numbers_stay_numbers() {
        let row = json!({ "a": "=1+1", "b": "-5", "c": "@SUM(A1)" });
        assert_eq!(line(&row), "'=1+1,-5,'@SUM(A1)\r\n");
        let row = json!({ "a": -7, "b": "+49 30", "c": "\t=1" });
        assert_eq!(line(&row), "-7,'+49 30,'\t=1\r\n");
    }
}
