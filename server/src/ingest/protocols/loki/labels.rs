//! The labels of a stream as protobuf has them: `{app="shop", env="prod"}`, values quoted as in Go.

use event::{Object, Value};

/// Reads labels.
///
/// # Errors
/// When they are not in that form.
pub fn parse(text: &str) -> Result<Object<'static>, String> {
    let malformed = || format!("the labels `{}` are not of the form {{name=\"value\"}}", shown(text));
    let inner =
        text.trim().strip_prefix('{').and_then(|text| text.strip_suffix('}')).ok_or_else(malformed)?;
    let mut labels = Object::new();
    let mut rest = inner.trim();
    while !rest.is_empty() {
        let (name, quoted) = rest.split_once('=').ok_or_else(malformed)?;
        let name = name.trim();
        let (value, after) = value(quoted.trim_start()).ok_or_else(malformed)?;
        if name.is_empty() {
            return Err(malformed());
        }
        labels.push(name.to_owned(), Value::String(value.into()));
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if after.is_empty() => after,
            None => return Err(malformed()),
        };
    }
    labels.settle();
    Ok(labels)
}

fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}

/// A value in double quotes with escapes, or in backquotes without.
fn value(text: &str) -> Option<(String, &str)> {
    if let Some(raw) = text.strip_prefix('`') {
        return raw.split_once('`').map(|(value, rest)| (value.to_owned(), rest));
    }
    let mut rest = text.strip_prefix('"')?;
    let mut value = Vec::new();
    loop {
        let end = rest.find(['"', '\\'])?;
        value.extend_from_slice(&rest.as_bytes()[..end]);
        let stop = rest.as_bytes()[end];
        rest = &rest[end + 1..];
        if stop == b'"' {
            return Some((String::from_utf8_lossy(&value).into_owned(), rest));
        }
        rest = escape(rest, &mut value)?;
    }
}

/// What stands behind a backslash.
fn escape<'a>(text: &'a str, value: &mut Vec<u8>) -> Option<&'a str> {
    let kind = text.chars().next()?;
    let rest = &text[kind.len_utf8()..];
    let plain = match kind {
        'n' => Some(b'\n'),
        't' => Some(b'\t'),
        'r' => Some(b'\r'),
        'a' => Some(7),
        'b' => Some(8),
        'v' => Some(11),
        'f' => Some(12),
        '"' | '\\' | '\'' => Some(kind as u8),
        _ => None,
    };
    if let Some(byte) = plain {
        value.push(byte);
        return Some(rest);
    }
    let (digits, radix) = match kind {
        'x' => (rest.get(..2)?, 16),
        'u' => (rest.get(..4)?, 16),
        'U' => (rest.get(..8)?, 16),
        '0'..='7' => (text.get(..3)?, 8),
        _ => return None,
    };
    let code = u32::from_str_radix(digits, radix).ok()?;
    match kind {
        // A byte, which with its neighbours may be a character.
        'x' | '0'..='7' => value.push(u8::try_from(code).ok()?),
        _ => value.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes()),
    }
    Some(&text[digits.len() + usize::from(radix == 16)..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        parse(text).map_or_else(|_| "malformed".to_owned(), |labels| labels.to_json())
    }

    #[test]
    fn labels_are_read_as_go_quotes_them() {
        for (text, expected) in [
            (r#"{app="shop", env="prod"}"#, r#"{"app":"shop","env":"prod"}"#),
            (r#"{ app = "shop" , }"#, r#"{"app":"shop"}"#),
            ("{}", "{}"),
            (r#"{a="say \"hi\"\\\n\x41\u00e9\303\251"}"#, r#"{"a":"say \"hi\"\\\nAéé"}"#),
            ("{a=`raw \\n`}", r#"{"a":"raw \\n"}"#),
            (r#"{a="x, b=\"y\"", c="}"}"#, r#"{"a":"x, b=\"y\"","c":"}"}"#),
            (r#"{a="1",a="2"}"#, r#"{"a":"2"}"#),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
        for text in
            ["", "app", "{app}", "{app=shop}", "{app=\"shop}", "{=\"x\"}", "{a=\"b\" c=\"d\"}", "{a=\"\\q\"}"]
        {
            assert_eq!(shown(text), "malformed", "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_labels_make_it_panic(text in "\\{?[a-z=\"\\\\,`xé0-9u ]{0,30}\\}?") {
            parse(&text).ok();
        }
    }
}
