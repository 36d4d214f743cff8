//! A sample line in a message: its text in pieces, those that matched marked.

use crate::alerts::evaluate::Sample;

impl Sample {
    /// The message in pieces, each marked or not. What is not a piece of the text is left out.
    #[must_use]
    pub fn pieces(&self) -> Vec<Piece<'_>> {
        let (mut pieces, mut at) = (Vec::new(), 0);
        for &(start, end) in &self.marks {
            let (Some(before), Some(marked)) = (self.message.get(at..start), self.message.get(start..end))
            else {
                continue;
            };
            pieces.push(Piece { text: before, marked: false });
            pieces.push(Piece { text: marked, marked: true });
            at = end;
        }
        pieces.push(Piece { text: self.message.get(at..).unwrap_or_default(), marked: false });
        pieces.retain(|piece| !piece.text.is_empty());
        pieces
    }

    /// `*timeout*`, as people mark words in plain text.
    #[must_use]
    pub fn marked_text(&self) -> String {
        let piece =
            |piece: Piece<'_>| if piece.marked { format!("*{}*", piece.text) } else { piece.text.to_owned() };
        self.pieces().into_iter().map(piece).collect()
    }

    #[must_use]
    pub fn head(&self) -> String {
        let parts = [Some(self.timestamp.as_str()), self.level.as_deref(), self.source.as_deref()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

pub struct Piece<'a> {
    pub text: &'a str,
    pub marked: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_outside_the_text_or_inside_a_letter_do_no_harm() {
        let sample =
            Sample { message: "größe".into(), marks: vec![(2, 3), (4, 5), (9, 12)], ..Sample::default() };
        assert_eq!(sample.pieces().iter().map(|piece| piece.text).collect::<String>(), "größe");
    }
}
