#include "balance/feedback.h"

#include <array>

#include "haproxy/termination.h"
#include "reports/base64.h"
#include "reports/orca.h"

namespace leastwise::agent {
namespace {

constexpr Outcome kNeverSent{.result = Result::kCancelled};

// The header as HAProxy gave it to its log: in base64, since it may hold anything.
LoadReport report_of(const FeedbackLine& line, const ReportMetric& metric) noexcept {
  const bool is_bin = line.report.empty();
  const std::string_view text = is_bin ? line.bin : line.report;
  if (text.empty() || !metric.is_on()) return {};
  std::array<char, kMostReportBytes> buffer;
  std::string_view header;
  if (!decode_base64(text, buffer, header) || (!is_bin && !line.bin.empty())) {
    return {.state = LoadReport::State::kRefused};
  }
  return is_bin ? read_orca_bin(header, metric) : read_orca(header, metric);
}

Outcome outcome_of(const FeedbackLine& line, const Config& config, Duration since_pick) noexcept {
  Outcome outcome = agent::outcome_of(line, config.sample, since_pick);
  outcome.report = report_of(line, config.report);
  if (outcome.result != Result::kOk) return outcome;
  if (config.failure.contains(outcome.status, line.grpc)) outcome.result = Result::kServerError;
  constexpr std::uint16_t kNoContent = 204;  // has no Content-Length either
  const bool is_empty = line.is_empty || outcome.status == kNoContent;
  outcome.kind = kind_of(outcome.status, is_empty, line.grpc > 0);
  return outcome;
}

// Counted by `again`, predicted by `first`: what was known when the request began.
Ticket with_prediction_of(const Ticket& first, Ticket again) noexcept {
  Ticket ticket = first;
  ticket.member = again.member;
  ticket.id = again.id;
  ticket.load = again.load;
  return ticket;
}

}  // namespace

void Feedback::on_line(std::string_view text, TimePoint now) {
  FeedbackLine line;
  switch (parse_feedback_line(text, line)) {
    case LineKind::kForeign:
      return counters_.foreign.add();
    case LineKind::kGarbled:
      return counters_.garbled.add();
    case LineKind::kOurs:
      counters_.lines.add();
  }
  if (line.id.empty()) return counters_.unknown.add();
  drain(now);
  OpenTicket ticket;
  switch (tickets_.close(request_id(line.id), now, ticket)) {
    case Tickets::Closed::kOpen:
      counters_.by_log.add();
      finish(ticket, line, now);
      break;
    case Tickets::Closed::kLate:
      counters_.late.add();
      learn_late(ticket, line, now);
      break;
    case Tickets::Closed::kUnknown:
      counters_.unknown.add();
  }
  count_open();
}

void Feedback::finish(const OpenTicket& open, const FeedbackLine& line, TimePoint now) noexcept {
  if (!open.ticket) return learn_late(open, line, now);  // cancelled when its pool changed
  Backend& backend = *open.backend;
  if (open.is_answered) {
    const bool is_same = backend.find(line.server) == open.ticket.id;
    (is_same ? counters_.as_picked : counters_.elsewhere).add();
    return backend.release(open.ticket, now);
  }
  if (line.server.empty()) return backend.finish(open.ticket, kNeverSent, now);
  if (backend.find(line.server) != open.ticket.id) return finish_elsewhere(open, line, now);
  counters_.as_picked.add();
  Outcome outcome = outcome_of(line, backend.config(), now - open.ticket.start);
  if (open.first_token != TimePoint{}) {
    outcome.first_token = open.first_token - open.ticket.start;
    if (outcome.result == Result::kOk) outcome.occupied = outcome.first_token;
  }
  backend.finish(open.ticket, outcome, now);
}

// The picked server was not used: it could not be reached (redispatch), or HAProxy had no answer
// in time and balanced by itself, or used the runner-up.
void Feedback::finish_elsewhere(const OpenTicket& open, const FeedbackLine& line,
                                TimePoint now) noexcept {
  counters_.elsewhere.add();
  Backend& backend = *open.backend;
  const bool was_tried = line.redispatched && line.retries > 0;
  backend.finish(open.ticket, was_tried ? Outcome{.result = Result::kRefused} : kNeverSent, now);
  Ticket real = backend.adopt(line.server, now);
  if (!real) return;
  Outcome outcome = outcome_of(line, backend.config(), now - open.ticket.start);
  // The time includes the attempts on the first server, and says little of the second's.
  if (was_tried) outcome.occupied = kUnknownDuration;
  // A failure may be the request's own, which shows by its route.
  if (is_failure(outcome.result)) real.route = open.ticket.route;
  backend.finish(real, outcome, now);
}

// It was finished when it was overdue. Slow answers are those that teach most, so it is counted
// again, as a second attempt that begins and ends now, with the prediction of the first.
void Feedback::learn_late(const OpenTicket& late, const FeedbackLine& line,
                          TimePoint now) noexcept {
  if (line.server.empty() || late.is_answered) return;
  Backend& backend = *late.backend;
  const Ticket again = backend.adopt(line.server, now);
  if (!again) return;
  const bool is_same = again.id == late.ticket.id;
  (is_same ? counters_.as_picked : counters_.elsewhere).add();
  backend.finish(is_same ? with_prediction_of(late.ticket, again) : again,
                 outcome_of(line, backend.config(), now - late.ticket.start), now);
}

void Feedback::drain(TimePoint now) {
  Note note;
  while (ring_.pop(note)) {
    if (note.first_token == TimePoint{}) {
      open(note.pick, now);
    } else {
      answer(note.pick.id, note.first_token);
    }
  }
  count_open();
}

void Feedback::open(const OpenTicket& ticket, TimePoint now) noexcept {
  counters_.opened.add();
  const Tickets::Opened opened = tickets_.open(ticket, now);
  if (opened == Tickets::Opened::kYes) return;
  (opened == Tickets::Opened::kLogCameFirst ? counters_.early : counters_.cancelled).add();
  if (opened == Tickets::Opened::kDuplicate) counters_.duplicates.add();
  ticket.backend->finish(ticket.ticket, kNeverSent, now);
}

// Whether the picked server is the one that answers is known from the log line only; it nearly
// always is.
void Feedback::answer(RequestId id, TimePoint first_token) noexcept {
  OpenTicket* found = tickets_.find_open(id);
  if (found == nullptr || !found->ticket || found->first_token != TimePoint{}) return;
  counters_.tokens.add();
  found->first_token = first_token;
  found->is_answered = found->backend->begin_answer(found->ticket, first_token);
}

void Feedback::expire(TimePoint now) {
  const auto give_up = [&](const OpenTicket& overdue) {
    counters_.expired.add();
    if (overdue.is_answered) return overdue.backend->release(overdue.ticket, now);
    overdue.backend->finish(overdue.ticket, kNeverSent, now);
  };
  // Where HAProxy says that it has as many in flight as we count, none was lost.
  tickets_.expire(now, give_up, [&](const OpenTicket& overdue) {
    return overdue.ticket && !overdue.backend->may_be_lost(overdue.ticket, now);
  });
  count_open();
}

void Feedback::for_each(const std::function<void(OpenTicket&)>& visit, TimePoint now) {
  drain(now);
  tickets_.for_each_open(visit);
}

}  // namespace leastwise::agent
