#include "http/observe.h"

#include <algorithm>
#include <limits>

#include "http/classify.h"
#include "http/headers.h"
#include "http/load_report.h"

namespace leastwise::nginx {
namespace {

constexpr Duration kLongestWay = std::chrono::milliseconds(300);  // there and back, round the world
constexpr ngx_msec_t kNever = static_cast<ngx_msec_t>(-1);

// proxy_pass answers without a status are not HTTP, though nginx relays them as if of version 0.9.
// (A status line is no sign: HTTP/2 has none.) Other protocols (memcached, say) may have no status.
bool is_unreadable(const ngx_http_upstream_t& u) noexcept {
  return u.headers_in.status_n == 0 && view(u.schema).starts_with("http");
}

constexpr std::int32_t kCancelled = 1;

bool has_type(const ngx_http_upstream_t& u, std::string_view begins) noexcept {
  const ngx_table_elt_t* header = u.headers_in.content_type;
  if (header == nullptr || header->value.len < begins.size()) return false;
  ngx_str_t type = to_ngx(begins);
  return ngx_strncasecmp(header->value.data, type.data, type.len) == 0;
}

// The trailer's, which nginx has of gRPC, or else that of an answer of a header alone. Looked for
// in what calls itself gRPC only, as its protocol has it.
std::int32_t grpc_status(const ngx_http_upstream_t& u) noexcept {
  constexpr std::string_view kName = "grpc-status";
  if (!has_type(u, "application/grpc")) return kNoGrpcStatus;
  const ngx_table_elt_t* found = find_header(u.headers_in.trailers, kName);
  if (found == nullptr) found = find_header(u.headers_in.headers, kName);
  return found == nullptr ? kNoGrpcStatus : read_grpc_status(view(found->value));
}

// Whether the answer itself says that the server failed. REQUIRES: its header was read.
bool says_failed(const Attempt& attempt, std::int32_t grpc) noexcept {
  const ngx_http_upstream_t& u = *attempt.upstream;
  // A client that cancels a call is no failure of the server's.
  const ngx_connection_t& client = *attempt.request->connection;
  if (grpc == kCancelled && (client.error || client.read->eof)) return false;
  return attempt.conf->config.failure.contains(static_cast<std::uint16_t>(u.headers_in.status_n),
                                               grpc);
}

// What was read of the body, if nginx was to pass it on; chunked, an empty one is five bytes.
bool is_empty(const ngx_http_upstream_t& u) noexcept {
  constexpr off_t kNoChunks = 5;
  if (u.state == nullptr || !u.header_sent) return false;
  return u.state->response_length <= (u.headers_in.chunked ? kNoChunks : 0);
}

std::int64_t body_left(const ngx_http_upstream_t& u) noexcept {
  return u.buffering && u.pipe != nullptr ? u.pipe->length : u.length;
}

void look_at_connection(const ngx_connection_t* c, Evidence& e) noexcept {
  // The keepalive module has taken a connection that is good for another request.
  e.kept = c == nullptr;
  if (c == nullptr) return;
  e.timed_out = c->read->timedout || c->write->timedout;
  e.broken = c->read->error || c->write->error;
  e.closed = c->read->eof || c->read->error;
}

Evidence evidence_of(const Attempt& attempt, const ngx_peer_connection_t& pc, ngx_uint_t state,
                     TimePoint at) noexcept {
  const ngx_http_upstream_t& u = *attempt.upstream;
  Evidence e;
  e.given_up = (state & NGX_PEER_FAILED) != 0;
  e.passed_on = (state & NGX_PEER_NEXT) != 0;
  e.upgraded = u.upgrade;
  e.reused = pc.cached;
  e.is_late = at - attempt.last->ticket.start > kLongestWay;
  look_at_connection(pc.connection, e);
  if (u.state != nullptr) {
    e.connected = u.state->connect_time != kNever;
    e.header = u.state->header_time != kNever;
    e.received = u.state->bytes_received > 0;
  }
  if (e.header) {
    e.status = static_cast<std::uint16_t>(u.headers_in.status_n);
    e.unreadable = is_unreadable(u);
    e.grpc = grpc_status(u);
    e.says_failed = says_failed(attempt, e.grpc);
  }
  e.relayed = u.header_sent;
  e.no_body = attempt.request->header_only;
  e.done = u.buffering && u.pipe != nullptr && u.pipe->upstream_done;
  e.left = body_left(u);
  return e;
}

void add_traffic(const ngx_http_upstream_t& u, Outcome& outcome) noexcept {
  if (u.state == nullptr) return;
  outcome.bytes_sent = static_cast<std::uint64_t>(std::max<off_t>(0, u.state->bytes_sent));
  outcome.bytes_received = static_cast<std::uint64_t>(std::max<off_t>(0, u.state->bytes_received));
  // nginx knows it in milliseconds only: no callback says when a connection is made.
  if (!u.peer.cached && u.state->connect_time != kNever) {
    outcome.connect = std::chrono::milliseconds(u.state->connect_time);
  }
}

// nginx reads the answer as fast as the server sends it: all of it has room in its buffers and the
// temporary file. Where it has not, the server waits for the client.
bool is_buffered(const ngx_http_upstream_t& u) noexcept {
  if (!u.buffering || u.pipe == nullptr) return u.buffering;
  const ngx_event_pipe_t& pipe = *u.pipe;
  if (pipe.limit_rate != 0) return false;
  if (pipe.cacheable) return true;  // the file may be of any size then
  const auto buffers = static_cast<off_t>(u.conf->buffer_size) +
                       static_cast<off_t>(pipe.bufs.num) * static_cast<off_t>(pipe.bufs.size);
  return pipe.read_length <= buffers + pipe.max_temp_file_size;
}

// Of a model server's answer: when it began, and what it says of the prompt.
void add_tokens(const Attempt& attempt, Outcome& outcome) noexcept {
  const auto count = [](std::int64_t n) noexcept {
    constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(n, 0, kMost));
  };
  outcome.prompt_tokens = count(attempt.usage.prompt);
  outcome.cached_tokens = count(attempt.usage.cached);
  outcome.first_token = attempt.last->first_token;
  if (outcome.result == Result::kOk && outcome.first_token != kUnknownDuration) {
    outcome.occupied = outcome.first_token;
  }
}

// The span that was the server's own.
Duration occupied(const Attempt& attempt, Result result, Duration whole) noexcept {
  const Duration first_byte = attempt.last->first_byte;
  // The server waited for the rest of the request, and the client may have taken its time.
  if (attempt.is_uploading) return kUnknownDuration;
  if (result != Result::kOk || first_byte == kUnknownDuration) return whole;
  switch (attempt.conf->config.sample) {
    case Sample::kFull:
      return whole;
    case Sample::kFirstByte:
      return first_byte;
    case Sample::kAuto:
      break;
  }
  return is_buffered(*attempt.upstream) || attempt.request->header_only ? whole : first_byte;
}

}  // namespace

bool is_event_stream(const ngx_http_upstream_t& u) noexcept {
  return has_type(u, "text/event-stream");
}

bool is_json(const ngx_http_upstream_t& u) noexcept { return has_type(u, "application/json"); }

Outcome observe(const Attempt& attempt, const ngx_peer_connection_t& pc, ngx_uint_t state,
                TimePoint at) noexcept {
  const Evidence e = evidence_of(attempt, pc, state, at);
  Outcome outcome;
  outcome.result = classify(e);
  outcome.status = e.status;
  if (outcome.result == Result::kOk && e.header) {
    const ngx_http_upstream_t& u = *attempt.upstream;
    outcome.kind = kind_of(e.status, is_empty(u), e.grpc > 0);
  }
  // Only what proxy_next_upstream calls a failure takes a server out of service.
  outcome.counts_as_fail = e.given_up;
  outcome.first_byte = attempt.last->first_byte;
  outcome.round_trip = attempt.last->round_trip;
  const Duration whole = at - attempt.last->ticket.start;
  outcome.occupied = occupied(attempt, outcome.result, whole);
  if (attempt.prompt != nullptr) [[unlikely]]
    add_tokens(attempt, outcome);
  if (outcome.result == Result::kOk && outcome.occupied != whole) outcome.kept = whole;
  add_traffic(*attempt.upstream, outcome);
  if (e.header && attempt.conf->config.report.is_on()) {
    outcome.report = read_report(*attempt.upstream, attempt.conf->config.report);
    if (!attempt.conf->watches) hide_report_trailer(*attempt.upstream);
  }
  return outcome;
}

bool is_endless(const Attempt& attempt) noexcept {
  // Even of who wants the full answer: what goes on in a tunnel is none.
  if (attempt.upstream->upgrade) return true;
  return attempt.conf->config.sample != Sample::kFull && is_event_stream(*attempt.upstream);
}

Outcome observe_endless(const Attempt& attempt) noexcept {
  const ngx_http_upstream_t& u = *attempt.upstream;
  Outcome outcome;
  outcome.status = static_cast<std::uint16_t>(u.headers_in.status_n);
  outcome.result = says_failed(attempt, grpc_status(u)) ? Result::kServerError : Result::kOk;
  outcome.first_byte = attempt.last->first_byte;
  outcome.round_trip = attempt.last->round_trip;
  const Duration token = attempt.last->first_token;
  outcome.occupied = token != kUnknownDuration ? token : attempt.last->first_byte;
  add_traffic(u, outcome);
  outcome.report = read_report(u, attempt.conf->config.report);
  return outcome;
}

}  // namespace leastwise::nginx
