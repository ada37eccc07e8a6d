//! The objects that query execution visits.

use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};

use super::nodes::{Content, Node};
use super::refusal::Refusal;
use super::session::Session;
use super::{mutations, relations};

/// One object of an answer.
#[derive(Debug)]
pub(super) struct Object<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) node: Node,
}

impl<'a> Object<'a> {
    fn content(&self, info: &ResolveInfo<'_>) -> Result<Content, Refusal> {
        let field = info.field_name();
        let arguments = serde_json::to_value(info.arguments()).unwrap_or_default();
        match &self.node {
            Node::Mutation => mutations::run(self.session, field, &arguments),
            node => {
                let may_be_null = !info.field_definition().ty.is_non_null() && node.is_entity();
                if may_be_null && self.session.failing.replace(false) {
                    return Err(Refusal::failure());
                }
                relations::content(&self.session.world.borrow(), node, field, &arguments)
            }
        }
    }

    fn object(&self, node: Node) -> ResolvedValue<'a> {
        let session = self.session;
        ResolvedValue::object(Object { session, node })
    }
}

impl ObjectValue for Object<'_> {
    fn type_name(&self) -> &str {
        self.node.type_name()
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        match self.content(info) {
            Ok(Content::Leaf(value)) => Ok(ResolvedValue::leaf(value)),
            Ok(Content::One(None)) => Ok(ResolvedValue::null()),
            Ok(Content::One(Some(node))) => Ok(self.object(node)),
            Ok(Content::Many(nodes)) => Ok(ResolvedValue::list(nodes.into_iter().map(|node| self.object(node)))),
            Err(refusal) => Err(self.session.refuse(refusal)),
        }
    }
}
