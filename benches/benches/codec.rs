//! From text to a client's frame, and from an event to the text that each audience gets.

use std::hint::black_box;

use convor::domain::{
    Audience, Author, Email, Event, EventKind, Message, MessageKind, Operator, Position, Role, Text,
};
use convor::protocol::{EventObject, Names, ServerFrame, decode_frame, encode};
use convor::time::Timestamp;
use convor_benches::{TEXT, criterion, id};
use criterion::{Criterion, Throughput};
use uuid::Uuid;

fn main() {
    let mut criterion = criterion();
    decode(&mut criterion);
    encode_event(&mut criterion);
    criterion.final_summary();
}

fn decode(criterion: &mut Criterion) {
    let id = Uuid::from_u128(u128::MAX / 3);
    let secret = "0123456789abcdef".repeat(4);
    let frames = [
        (
            "hello",
            format!(
                r#""token":"cvv_{}_{secret}","resume":[{{"conversation":"{id}","epoch":1,"after":7}}]"#,
                id.simple()
            ),
        ),
        ("subscribe", format!(r#""ref":"1","conversation":"{id}","after":7"#)),
        ("unsubscribe", format!(r#""ref":"1","conversation":"{id}""#)),
        ("send", format!(r#""ref":"1","conversation":"{id}","client_id":"{id}","text":"{TEXT}""#)),
        ("typing", format!(r#""conversation":"{id}","active":true"#)),
        ("read", format!(r#""conversation":"{id}","seq":7"#)),
        ("page", r#""url":"https://www.example.org/chairs/7","title":"A chair""#.to_owned()),
    ];
    let mut group = criterion.benchmark_group("decode");
    for (kind, rest) in frames {
        let frame = format!(r#"{{"type":"{kind}",{rest}}}"#);
        assert!(decode_frame(&frame).is_ok(), "a refusal would be measured: {frame}");
        group.throughput(Throughput::Bytes(frame.len() as u64));
        group.bench_function(kind, |bencher| bencher.iter(|| decode_frame(black_box(&frame))));
    }
    group.finish();
}

fn encode_event(criterion: &mut Criterion) {
    let text = |text: &str| Text::from_stored(text.to_owned());
    let at = Timestamp::from_millis(1_772_616_600_000);
    let anna = Operator {
        id: id(5),
        name: text("Anna"),
        email: Email::from_stored("anna@example.org".to_owned()),
        role: Role::Owner,
        created_at: at,
    };
    let by = Author::Operator(anna.id);
    let names = Names::of(vec![anna]);
    let said = Message { id: id(8), client_id: id(9), kind: MessageKind::Message, text: Some(text(TEXT)) };
    let position = Position { staff: 9, visitor: Some(7) };
    let event = Event { conversation: id(7), position, epoch: 1, at, by, kind: EventKind::Message(said) };
    let mut group = criterion.benchmark_group("encode");
    for (name, audience) in [("event for staff", Audience::Staff), ("event for a visitor", Audience::Visitor)]
    {
        let frame = || {
            EventObject::new(black_box(&event), audience, &names)
                .map(|event| encode(&ServerFrame::Event(event)))
        };
        group.throughput(Throughput::Bytes(frame().map_or(0, |frame| frame.len() as u64)));
        group.bench_function(name, |bencher| bencher.iter(frame));
    }
    group.finish();
}
