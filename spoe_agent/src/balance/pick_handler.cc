#include "balance/pick_handler.h"

#include <mutex>
#include <random>

#include "balance/prompt.h"
#include "balance/script.h"
#include "haproxy/request_id.h"
#include "serve/sockets.h"
#include "spop/token_message.h"

namespace leastwise::agent {

namespace {

// What the SPOE file says is a route, or else method and path; `folded` keeps their text.
Request request_of(const spop::PickMessage& message, Route& folded) noexcept {
  Request request{.route = text_hash(message.route()),
                  .key = text_hash(message.key()),
                  .in_flight = {},
                  .name = {.own = message.route(), .family = {}}};
  if (message.route().empty() && !message.path().empty()) {
    folded.fold(message.method(), message.path());
    request.route = folded.hash();
    request.name = folded.name();
  }
  return request;
}

std::uint64_t make_secret() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace

PickHandler::PickHandler(Registry& registry, TicketRing& ring, const Fd& wake,
                         PickCounters& counters)
    : registry_(registry), ring_(ring), wake_(wake), counters_(counters), secret_(make_secret()) {}

void PickHandler::on_notify(spop::Messages messages, spop::Actions& actions) noexcept {
  const spop::Messages all = messages;
  if (!message_.read(messages)) return on_token(all);
  counters_.asked.add();
  if (is_outdated_) return counters_.outdated.add();
  const std::unique_lock lock(registry_.gate(), std::try_to_lock);
  if (!lock) return counters_.busy.add();
  Backend* backend = registry_.find(message_.backend());
  if (backend == nullptr) return counters_.unknown_backend.add();
  // HAProxy gives the next place to who waits for longest, whichever server has it first. Counts by
  // server tell which of them have none; without them all are taken to be full.
  if (message_.queue() > 0 && message_.servers().empty()) {
    backend->note_waiting(message_.queue() + 1);
    return counters_.no_server.add();
  }
  Route folded;
  Request request = request_of(message_, folded);
  const std::optional<Prompt> prompt = prompt_of(message_.prompt(), secret_);
  if (prompt) request.prompt = &*prompt;
  const Picked picked = backend->script() == nullptr
                            ? backend->pick(request, message_.servers(), now_)
                            : pick_by_script(*backend, request, all);
  backend->note_waiting(message_.queue() + (picked.ticket ? 0 : 1));
  if (!picked.ticket) return counters_.no_server.add();
  track(*backend, picked.ticket);
  counters_.picked.add();
  actions.set_var(spop::Scope::kTransaction, "srv", picked.server);
  if (!picked.second.empty()) {
    actions.set_var(spop::Scope::kTransaction, "srv2", picked.second);
  }
}

Picked PickHandler::pick_by_script(Backend& backend, Request& request,
                                   spop::Messages messages) noexcept {
  lua::Script& script = *backend.script();
  Asked asked(messages);
  ask_script(script, asked, now_, request);
  const Picked picked = backend.pick(request, message_.servers(), now_);
  script.about({}, nullptr);
  return picked;
}

void PickHandler::on_hello(const spop::Hello& hello) noexcept {
  if (hello.is_health_check) counters_.health_checks.add();
}

void PickHandler::on_token(spop::Messages messages) noexcept {
  const std::string_view id = spop::read_token_message(messages);
  if (id.empty() || id.size() > kMaxIdLength) return counters_.not_understood.add();
  // One that finds no room is learned from at its end.
  if (is_outdated_ || !push({.pick = {.id = request_id(id), .backend = nullptr, .ticket = {}},
                             .first_token = now_}))
    return;
  // At once: until it is learned, the server seems to have the whole prompt to read yet.
  signal_event(wake_);
}

bool PickHandler::push(const Note& note) noexcept {
  if (!ring_.push(note)) return false;
  if (++pushed_ % (ring_.capacity() / 4) == 0) signal_event(wake_);
  return true;
}

// Before the answer is sent: the log line can not overtake it then.
void PickHandler::track(Backend& backend, const Ticket& ticket) noexcept {
  const std::string_view id = message_.id();
  const bool has_id = !id.empty() && id.size() <= kMaxIdLength;
  if (has_id && push({.pick = {request_id(id), &backend, ticket}, .first_token = {}})) return;
  counters_.untracked.add();
  backend.cancel(ticket, now_);
}

}  // namespace leastwise::agent
