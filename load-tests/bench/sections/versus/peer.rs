//! What people would use, and what each of them promises.

use trailkeep_testkit::tools::on_path;

/// What nginx is extended with, where Debian puts it.
const ECHO_MODULE: &str = "/usr/lib/nginx/modules/ngx_http_echo_module.so";
/// Not the wrapper on the path, which changes users and folders.
pub const RABBITMQ: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// Who takes events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Peer {
    Trailkeep,
    /// The older design: a buffer in memory, written in batches.
    Express,
    /// The simple durable way: MongoDB's journal before the 202.
    Fastify,
    /// A broker, and somebody who writes what it delivers.
    Rabbitmq,
    /// A file, into which nobody looks: the floor of HTTP.
    Nginx,
    /// A queue in Redis, and workers.
    Bullmq,
    /// A log, and somebody who writes what is in it; the log as it is shipped.
    Nats,
    /// The same, with each event synced.
    NatsAlways,
}

impl Peer {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 8] = [
        Self::Trailkeep,
        Self::Express,
        Self::Fastify,
        Self::Rabbitmq,
        Self::Nginx,
        Self::Bullmq,
        Self::Nats,
        Self::NatsAlways,
    ];

    /// As it stands in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trailkeep => "Trailkeep",
            Self::Express => "Express, buffer in memory",
            Self::Fastify => "Fastify, `insertMany` with `j: true`",
            Self::Rabbitmq => "Express, RabbitMQ, consumer",
            Self::Nginx => "nginx, bodies to a file",
            Self::Bullmq => "Express, Redis and BullMQ, worker",
            Self::Nats => "Express, NATS JetStream, consumer",
            Self::NatsAlways => "the same, `sync_interval: always`",
        }
    }

    /// What its 202 means.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Trailkeep => "on the disk of this machine",
            Self::Express => "in memory",
            Self::Fastify => "in MongoDB's journal",
            Self::Rabbitmq => "confirmed by the broker, persistent",
            Self::Nginx => "read to its end",
            Self::Bullmq => "in Redis, as Debian sets it up",
            Self::Nats => "in the log's file, synced within two minutes",
            Self::NatsAlways => "in the log, on its disk",
        }
    }

    /// What there is to install and to run, beside MongoDB.
    pub fn parts(self) -> &'static str {
        match self {
            Self::Trailkeep => "one binary",
            Self::Express | Self::Fastify => "Node.js, packages",
            Self::Rabbitmq => "Node.js, packages, Erlang, RabbitMQ; two programs of one's own",
            Self::Nginx => "nginx, a module; whoever loads the file",
            Self::Bullmq => "Node.js, packages, Redis; two programs of one's own",
            Self::Nats | Self::NatsAlways => "Node.js, packages, NATS; two programs of one's own",
        }
    }

    /// Whether it is measured only when all are asked for.
    pub fn is_extra(self) -> bool {
        matches!(self, Self::Bullmq | Self::Nats | Self::NatsAlways)
    }

    /// Whether its events come to be in MongoDB.
    pub fn has_database(self) -> bool {
        self != Self::Nginx
    }

    /// Programs of its own that run on Node.js: its collector, and who writes behind it.
    pub fn scripts(self) -> &'static [&'static str] {
        match self {
            Self::Trailkeep | Self::Nginx => &[],
            Self::Express => &["express.js"],
            Self::Fastify => &["fastify.js"],
            Self::Rabbitmq => &["rabbitmq-consumer.js", "rabbitmq.js"],
            Self::Bullmq => &["bullmq-worker.js", "bullmq.js"],
            Self::Nats | Self::NatsAlways => &["nats-consumer.js", "nats.js"],
        }
    }

    /// What is not here and cannot be done without.
    pub fn missing(self) -> Option<&'static str> {
        let lacks = |name: &'static str| on_path(name).is_none().then_some(name);
        let lacks_file =
            |path: &'static str| (!std::path::Path::new(path).is_file()).then_some(path);
        match self {
            Self::Trailkeep => None,
            Self::Express | Self::Fastify => lacks("node"),
            Self::Rabbitmq => lacks("node").or_else(|| lacks_file(RABBITMQ)),
            Self::Nginx => lacks("nginx").or_else(|| lacks_file(ECHO_MODULE)),
            Self::Bullmq => lacks("node").or_else(|| lacks("redis-server")),
            Self::Nats | Self::NatsAlways => lacks("node").or_else(|| lacks("nats-server")),
        }
    }
}
