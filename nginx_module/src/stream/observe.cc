#include "stream/observe.h"

#include <algorithm>

#include "shared/timer.h"
#include "stream/classify.h"
#include "stream/proxy.h"

namespace leastwise::nginx {
namespace {

constexpr TimePoint kNever{};

bool is_udp(const Attempt& attempt) noexcept {
  return attempt.session->connection->type == SOCK_DGRAM;
}

bool is_answered(const Attempt& attempt) noexcept {
  return attempt.last->first_byte != kUnknownDuration;
}

bool expects_answer(const Attempt& attempt) noexcept {
  if (!is_udp(attempt)) return attempt.conf->answers;
  switch (proxy_responses(attempt.session)) {
    case Responses::kNone:
      return false;
    case Responses::kSome:
      return true;
    case Responses::kUnlimited:
      break;
  }
  return attempt.conf->answers;
}

void look_at_connection(const ngx_connection_t* c, stream::Evidence& e) noexcept {
  e.reached = c != nullptr;
  if (c == nullptr) return;
#if (NGX_SSL || NGX_COMPAT)
  e.tls_begun = c->ssl != nullptr;
#endif
  e.timed_out = c->read->timedout || c->write->timedout;
  e.broken = c->read->error || c->write->error;
  e.closed = c->read->eof || c->write->error;
}

// Or this process leaves: it ends sessions over UDP, and others at worker_shutdown_timeout.
bool has_left(const ngx_connection_t& client) noexcept {
  if (client.type == SOCK_DGRAM) return is_leaving();
  return client.read->eof || client.read->error || client.write->error || client.close;
}

stream::Evidence evidence_of(const Attempt& attempt, const ngx_peer_connection_t& pc,
                             ngx_uint_t state) noexcept {
  stream::Evidence e;
  e.given_up = (state & NGX_PEER_FAILED) != 0;
  e.datagrams = is_udp(attempt);
  e.connected = attempt.connected != kNever;
  e.asked = attempt.asked != kNever;
  e.answered = is_answered(attempt);
  look_at_connection(pc.connection, e);
  e.client_left = has_left(*attempt.session->connection);
  e.expects_answer = expects_answer(attempt);
  return e;
}

// The span that was the server's own.
Duration occupied(const Attempt& attempt, Result result, TimePoint at) noexcept {
  const bool answered = is_answered(attempt);
  if (result != Result::kOk) {
    // Of who was answered before, or asked nothing, it says nothing of speed.
    const bool waited = !answered && (is_failure(result) || attempt.asked != kNever);
    return waited ? server_time(attempt, at) : kUnknownDuration;
  }
  if (attempt.conf->config.sample == Sample::kFull) return at - attempt.last->ticket.start;
  if (answered) return attempt.last->first_byte;
  // Nothing was to be answered. Over UDP nothing can be known of such a server.
  return is_udp(attempt) ? kUnknownDuration : attempt.connected - attempt.last->ticket.start;
}

void add_traffic(const Attempt& attempt, Outcome& outcome) noexcept {
  const ngx_stream_upstream_t& u = *attempt.session->upstream;
  if (attempt.connected != kNever && !is_udp(attempt)) {
    outcome.connect = attempt.connected - attempt.last->ticket.start;
  }
  const off_t sent = u.peer.connection != nullptr ? u.peer.connection->sent : 0;
  outcome.bytes_sent = static_cast<std::uint64_t>(std::max<off_t>(0, sent));
  outcome.bytes_received = static_cast<std::uint64_t>(std::max<off_t>(0, u.received));
}

}  // namespace

Duration server_time(const Attempt& attempt, TimePoint at) noexcept {
  const TimePoint start = attempt.last->ticket.start;
  if (attempt.connected == kNever) return at - start;
  const TimePoint from = std::max(attempt.connected, attempt.asked);
  return (attempt.connected - start) + (at - from);
}

Outcome observe(const Attempt& attempt, const ngx_peer_connection_t& pc, ngx_uint_t state,
                TimePoint at) noexcept {
  Outcome outcome;
  outcome.result = stream::classify(evidence_of(attempt, pc, state));
  if (!is_answered(attempt)) outcome.kind = AnswerKind::kEmpty;
  // Only what nginx calls a failure takes a server out of service.
  outcome.counts_as_fail = (state & NGX_PEER_FAILED) != 0;
  outcome.first_byte = attempt.last->first_byte;
  outcome.round_trip = attempt.last->round_trip;
  outcome.occupied = occupied(attempt, outcome.result, at);
  const Duration whole = at - attempt.last->ticket.start;
  if (outcome.result == Result::kOk && outcome.occupied != whole) outcome.kept = whole;
  add_traffic(attempt, outcome);
  return outcome;
}

Outcome observe_begun(const Attempt& attempt) noexcept {
  Outcome outcome;
  outcome.first_byte = attempt.last->first_byte;
  outcome.round_trip = attempt.last->round_trip;
  outcome.occupied = attempt.last->first_byte;
  add_traffic(attempt, outcome);
  return outcome;
}

}  // namespace leastwise::nginx
