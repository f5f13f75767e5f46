//! Rules that ask one question of one text: names are all different, so what surrounds the question is
//! most of its cost.

use super::WORD_STEPS;
use crate::ast::Function;
use crate::engine::{Comparison, Constant, Expr, Node, Pattern, Program, Test, glob};

/// A question of a text, which holds where its answer is the one that is wanted.
pub(super) struct TextTest<'p> {
    /// The path of the text.
    pub(super) path: usize,
    question: Question<'p>,
    wanted: bool,
}

enum Question<'p> {
    Matches(&'p Pattern),
    /// The pattern, the sign for any run, the sign for any one.
    Like(&'p [u8], u8, u8),
}

impl<'p> TextTest<'p> {
    /// What is left of a rule whose first parts are settled, if it is such a question.
    pub(super) fn of(program: &'p Program, settled: usize) -> Option<Self> {
        let node = match &program.root {
            Node::AllOf(parts) => match parts.get(settled..)? {
                [only] => only,
                _ => return None,
            },
            root => root,
        };
        let Node::Condition(comparison) = node else { return None };
        let Comparison { value, test, negate } = &**comparison;
        let asked = match (value, test) {
            (Expr::Path(path), Test::Matches(pattern)) => {
                Some(Self { path: *path, question: Question::Matches(pattern), wanted: !negate })
            }
            (Expr::Call(function, arguments), Test::Equals(Constant::Bool(expected))) => {
                let (run, one) = match function {
                    Function::Like => glob::LIKE,
                    Function::Wildcard => glob::WILDCARD,
                    _ => return None,
                };
                let [Expr::Path(path), Expr::Constant(Constant::Text(pattern))] = &**arguments
                else {
                    return None;
                };
                let question = Question::Like(pattern, run, one);
                Some(Self { path: *path, question, wanted: *expected != *negate })
            }
            _ => None,
        };
        // Whatever else has to be there is looked for by the evaluator.
        asked.filter(|asked| program.needs.iter().all(|path| *path == asked.path))
    }

    /// Is the rule violated by a text without escapes? `None` where the steps count.
    pub(super) fn holds(&self, text: &[u8]) -> Option<bool> {
        let steps = match &self.question {
            Question::Matches(_) => text.len() / 2,
            Question::Like(pattern, ..) => text.len() * pattern.len() / 64 + text.len() / 32,
        };
        if u32::try_from(steps + 16).ok()? > WORD_STEPS {
            return None;
        }
        let answer = match &self.question {
            Question::Matches(pattern) => pattern.is_match_of_many(text),
            Question::Like(pattern, run, one) => glob::fits(text, pattern, *run, *one),
        };
        Some(answer == self.wanted)
    }
}
