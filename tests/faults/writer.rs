//! People who write until they are told to stop, and say everything again that nobody has acknowledged.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use crate::api::{Api, text};
use crate::follower::{Follower, Seen};
use crate::progress::Progress;
use crate::socket::problem;

/// A message that was acknowledged, and what its acknowledgement said.
#[derive(Debug)]
pub(crate) struct Acknowledged {
    pub(crate) conversation: String,
    pub(crate) client_id: String,
    pub(crate) message_id: String,
    pub(crate) seq: u64,
}

/// What a writer says, and how it tells one thing from another.
#[derive(Debug)]
pub(crate) struct Speech {
    /// Which of the writers it is.
    pub(crate) writer: usize,
    pub(crate) text: String,
    /// Between two messages.
    pub(crate) pace: Duration,
    pub(crate) progress: Progress,
}

impl Speech {
    fn client_id(&self, number: usize) -> Uuid {
        Uuid::from_u64_pair(self.writer as u64 + 1, number as u64)
    }

    fn acknowledged(&self, conversation: &str, client_id: Uuid, answer: &Value) -> Acknowledged {
        self.progress.acknowledged(self.writer);
        Acknowledged {
            conversation: conversation.to_owned(),
            client_id: client_id.to_string(),
            message_id: text(&answer["message_id"]),
            seq: answer["seq"].as_u64().expect("a number"),
        }
    }
}

/// Who wrote this, and how many messages that one had written before.
pub(crate) fn written(client_id: &str) -> (usize, usize) {
    let (writer, number) = Uuid::parse_str(client_id).expect("an id").as_u64_pair();
    let small = |number| usize::try_from(number).expect("a small number");
    (small(writer) - 1, small(number))
}

/// Writes over HTTP, to one conversation after the other.
pub(crate) async fn over_http(
    speech: Speech,
    api: Api,
    token: String,
    conversations: Vec<String>,
) -> Vec<Acknowledged> {
    let mut said = Vec::new();
    for (number, conversation) in conversations.iter().cycle().enumerate() {
        if speech.progress.is_over() {
            break;
        }
        let client_id = speech.client_id(number);
        let body = json!({"client_id": client_id, "text": speech.text});
        let answer = loop {
            let path = format!("/v1/conversations/{conversation}/messages");
            match api.post(&path, Some(&token), &body).await {
                Ok(answer) => break answer,
                Err(retry) => {
                    speech.progress.refused(&retry.code);
                    sleep(retry.pause).await;
                }
            }
        };
        said.push(speech.acknowledged(conversation, client_id, &answer["message"]));
        sleep(speech.pace).await;
        if speech.progress.is_silent(speech.writer) {
            speech.progress.is_to_speak(speech.writer).await;
        }
    }
    said
}

/// Writes over a socket, which is also where the conversation is followed.
pub(crate) async fn over_socket(
    speech: Speech,
    mut follower: Follower,
    conversation: String,
) -> (Vec<Acknowledged>, Follower) {
    let mut said = Vec::new();
    while !speech.progress.is_over() {
        let client_id = speech.client_id(said.len());
        let frame = json!({"type": "send", "ref": client_id, "conversation": conversation,
            "client_id": client_id, "text": speech.text});
        follower.say(&frame).await;
        let answer = loop {
            match follower.next().await {
                Seen::Frame(answer) if answer["ref"] == json!(client_id) => {
                    if answer["type"] == "ack" {
                        break answer;
                    }
                    let retry = problem(&answer);
                    speech.progress.refused(&retry.code);
                    sleep(retry.pause).await;
                    follower.say(&frame).await;
                }
                Seen::Frame(_) => {}
                Seen::Back => follower.say(&frame).await,
            }
        };
        said.push(speech.acknowledged(&conversation, client_id, &answer));
        sleep(speech.pace).await;
        if speech.progress.is_silent(speech.writer) {
            listen(&speech, &mut follower).await;
        }
    }
    (said, follower)
}

/// Who says nothing hears the others.
async fn listen(speech: &Speech, follower: &mut Follower) {
    let mut to_speak = std::pin::pin!(speech.progress.is_to_speak(speech.writer));
    loop {
        tokio::select! {
            () = &mut to_speak => return,
            Seen::Frame(_) | Seen::Back = follower.next() => {}
        }
    }
}
