//! Messages that claim much and have little: depth, lengths, counts.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::Schema,
    common::{DFSchema, config::ConfigOptions},
    logical_expr::{EmptyRelation, Expr, LogicalPlan, col, not},
    physical_plan::{ExecutionPlan, empty::EmptyExec, union::UnionExec},
    sql::sqlparser::ast::Statement,
};
use datafusion_plugin_api::{
    abi::{
        Parcel,
        message::{
            Exports, ExpressionList, ExpressionSlot, PhysicalRuleReply, PlanNode, PlanReply,
            ScanDescriptor, Signature, TypeSignature, Volatility,
        },
    },
    df55::{
        expressions::expressions_with,
        parcel::{ParcelBuilder, ParcelContent},
        physical::HostPhysical,
        plan_properties::{Operands, properties_from_message},
        plans::{HostObjects, PlanWriter, read_plans},
        signature::signature_from_message,
        syntax::syntax_from_json,
    },
};
use datafusion_proto::{
    logical_plan::{DefaultLogicalExtensionCodec, to_proto::serialize_exprs},
    protobuf::LogicalExprList,
};
use prost::Message;

use super::super::codec::Nothing;

pub(super) fn all() {
    nested_json();
    nested_syntax();
    claimed_lengths();
    chained_parts();
    chained_plans();
    shared_nodes();
    counts();
}

fn nested_json() {
    let mut parcel = Parcel::of(&()).unwrap();
    for nested in ["{\"x\":", "["] {
        parcel.message = nested.repeat(1 << 20).into_bytes().into();
        assert!(parcel.message::<Exports>().is_err());
        assert!(parcel.message::<PlanReply>().is_err());
    }
}

fn nested_syntax() {
    let json = "[{\"Query\":".repeat(1 << 20);
    let error = syntax_from_json::<Vec<Statement>>(json.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("levels"), "{error}");
}

/// A protobuf field of two thousand million bytes, of which there are three.
fn claimed_lengths() {
    let blob = [0x0a, 0xff, 0xff, 0xff, 0xff, 0x07, 1, 2, 3];
    assert!(LogicalExprList::decode(&blob[..]).is_err());
    let message = format!("{{\"roots\":{},\"slots\":[],\"functions\":[]}}", usize::MAX);
    let list: ExpressionList = serde_json::from_str(&message).unwrap();
    let content = content(list, blob.to_vec());
    assert!(read(&content).is_err());
}

fn content(list: ExpressionList, blob: Vec<u8>) -> ParcelContent<ExpressionList> {
    let parcel = ParcelBuilder::new().blob(blob).finish(&list).unwrap();
    ParcelContent::read(parcel).unwrap()
}

fn read(content: &ParcelContent<ExpressionList>) -> datafusion::error::Result<Vec<Expr>> {
    let none = |_: &_| datafusion::common::internal_err!("no functions");
    expressions_with(content, &content.message, &none)
}

/// Each part is the one behind it, negated: a tree of as many levels as there are parts, which nobody could drop.
fn chained_parts() {
    for (parts, expected) in [(1_000, true), (100_000, false)] {
        // Part `i` is `NOT slot i`, and slot `i` is the part behind it.
        let wire: Vec<Expr> = (0..parts).map(|part| not(col(part.to_string()))).collect();
        let expr = serialize_exprs(&wire, &DefaultLogicalExtensionCodec {}).unwrap();
        let blob = LogicalExprList { expr }.encode_to_vec();
        let slots = (0..parts).map(|part| match part + 1 == parts {
            true => ExpressionSlot::Column {
                relation: Default::default(),
                name: "a".to_owned(),
            },
            false => ExpressionSlot::Part(part + 1),
        });
        let list = ExpressionList {
            roots: 1,
            slots: slots.collect(),
            functions: Vec::new(),
        };
        let read = read(&content(list, blob));
        assert_eq!(read.is_ok(), expected, "{parts}");
        if let Err(error) = read {
            assert!(error.to_string().contains("levels"), "{error}");
        }
    }
}

/// A plan of as many levels as there are nodes.
fn chained_plans() {
    let schema = Arc::new(DFSchema::empty());
    let empty = LogicalPlan::EmptyRelation(EmptyRelation {
        produce_one_row: true,
        schema,
    });
    let host = HostObjects::new(Nothing);
    let mut writer = PlanWriter::new(host.as_ref());
    writer.plan(&empty).unwrap();
    let parcel = writer.finish(|list| PlanReply { list }).unwrap();
    let mut content = ParcelContent::<PlanReply>::read(parcel).unwrap();
    let list = &mut content.message.list;
    let limits = (0..5_000).map(|input| PlanNode::Limit {
        input,
        skip: None,
        fetch: None,
    });
    list.nodes.extend(limits);
    list.plans = vec![list.nodes.len() - 1];
    let error = match read_plans(&content, &content.message.list, host.as_ref()) {
        Ok(_) => panic!("a plan of five thousand levels"),
        Err(error) => error.to_string(),
    };
    assert!(error.contains("more than 4000 levels"), "{error}");
}

/// Each node is both children of the one behind it: sixty nodes, and a tree of 2^60.
fn shared_nodes() {
    let schema = Arc::new(Schema::empty());
    let leaf: Arc<dyn ExecutionPlan> = Arc::new(EmptyExec::new(schema));
    let union = UnionExec::try_new(vec![leaf.clone(), leaf.clone()]).unwrap();
    let objects = HostObjects::new(Nothing);
    let host = HostPhysical::new(&objects, &ConfigOptions::default());
    let parcel = host.write(&union, |mut list| {
        for node in &mut list.nodes {
            node.known = None;
        }
        let last = list.nodes.len() - 1;
        for below in last..last + 60 {
            let mut node = list.nodes[last].clone();
            node.children = vec![below, below];
            list.nodes.push(node);
        }
        PhysicalRuleReply { list: Some(list) }
    });
    let content = ParcelContent::<PhysicalRuleReply>::read(parcel.unwrap()).unwrap();
    let list = content.message.list.as_ref().unwrap();
    let error = host.read(&content, list, &union).unwrap_err().to_string();
    assert!(error.contains("came back twice"), "{error}");
}

fn counts() {
    for accepts in [
        TypeSignature::Any(usize::MAX),
        TypeSignature::Uniform(1 << 40, vec![]),
        TypeSignature::Numeric(1 << 30),
        TypeSignature::String(usize::MAX),
        TypeSignature::Comparable(1 << 50),
    ] {
        let signature = Signature {
            accepts,
            volatility: Volatility::Immutable,
            parameter_names: None,
        };
        let error = signature_from_message(&signature, &[]).unwrap_err();
        assert!(error.message().contains("4096 parts"), "{error}");
    }
    let descriptor = ScanDescriptor {
        partitions: usize::MAX / 2,
        ..ScanDescriptor::default()
    };
    let parcel = ParcelBuilder::new().finish(&descriptor).unwrap();
    let content = ParcelContent::<ScanDescriptor>::read(parcel).unwrap();
    let schema = Arc::new(Schema::empty());
    let operands = Operands {
        schema: &schema,
        expressions: &[],
    };
    let error = properties_from_message(&content.message, &content, operands).unwrap_err();
    assert!(error.message().contains("partitions"), "{error}");
}
