// Picker: what a pool of model servers counts of each prompt, beside what all pools do.
#include <algorithm>

#include "leastwise/picker.h"
#include "pick/pick_context.h"
#include "pick/prompt_cost.h"

namespace leastwise {
namespace {

constexpr float kBytesPerToken = 4;
constexpr float kEventBytes = 240;   // of a stream, for each token of the answer
constexpr float kLeastWait = 1e-6F;  // of a first token: zero is none
constexpr std::uint32_t kTells = 4;  // part of a prompt that says whether it was cached

std::uint32_t usual_bytes(const Reading& reading) noexcept {
  const float usual = reading.usual_bytes.get();
  return usual >= 1 && usual < 1e9F ? static_cast<std::uint32_t>(usual) : kUsualPromptBytes;
}

void learn_usual(Reading& reading, std::uint32_t bytes) noexcept {
  constexpr float kNew = 1.0F / 32;
  const auto usual = static_cast<float>(usual_bytes(reading));
  reading.usual_bytes.set(usual + (static_cast<float>(bytes) - usual) * kNew);
}

// Of the answer's text, which the server keeps behind the prompt.
std::uint32_t answer_bytes(const Ticket& ticket, const Outcome& outcome) noexcept {
  auto bytes = static_cast<float>(outcome.bytes_received);
  if (outcome.completion_tokens != 0) {
    bytes = kBytesPerToken * static_cast<float>(outcome.completion_tokens);
  } else if (outcome.first_token >= Duration::zero() || ticket.first_token_after > 0) {
    bytes *= kBytesPerToken / kEventBytes;
  }
  return static_cast<std::uint32_t>(std::min(bytes, 1e9F));
}

// What the server said of its cache.
void learn_cached(const state::Prompts& prompts, const Ticket& ticket,
                  const Outcome& outcome) noexcept {
  const std::uint32_t expected = ticket.prompt_bytes - ticket.uncached_bytes;
  if (outcome.prompt_tokens == 0 || expected < ticket.prompt_bytes / kTells) return;
  const float part =
      static_cast<float>(outcome.cached_tokens) / static_cast<float>(outcome.prompt_tokens);
  learn_room(prompts.readings()[index(ticket.id)],
             part * static_cast<float>(ticket.prompt_bytes) >= 0.5F * static_cast<float>(expected),
             ticket.cached_age);
}

}  // namespace

void Picker::begin_prompt(const PickContext& context, Ticket& ticket) noexcept {
  const state::Prompts prompts = pool_.shared().prompts();
  const std::size_t i = index(ticket.id);
  Reading& reading = prompts.readings()[i];
  if (const Prompt* prompt = context.request.prompt; prompt != nullptr) {
    const auto [cached, age] = prompts.residency().held(*prompt, prompts.bit_of(i));
    ticket.cached_age = static_cast<std::uint8_t>(age);
    ticket.is_unread = true;
    ticket.prompt_bytes = prompt->bytes;
    ticket.uncached_bytes = std::min(std::max(prompt->bytes - cached, kLeastBytes), prompt->bytes);
    prompts.residency().keep(*prompt, prompts.bit_of(i), stamp_of(context.now));
    learn_usual(reading, ticket.uncached_bytes);
  } else {
    ticket.prompt_bytes = ticket.uncached_bytes = usual_bytes(reading);
  }
  const std::uint64_t waiting = reading.pending.get();
  const Pace pace = pace_now(reading, waiting, context.now);
  if (pace.amount > 0) {
    const float work = pending::bytes(waiting) + static_cast<float>(work_of(ticket.uncached_bytes));
    ticket.first_token = work * pace.seconds / pace.amount;
  }
  if (ticket.load == 0) return;
  // Nothing else is in flight here: what the dead left behind does not wait.
  if (ticket.in_flight == 0 && waiting != 0) reading.pending.set(0);
  begin_reading(reading, work_of(ticket.uncached_bytes), context.now);
  ticket.is_reading = true;
}

void Picker::first_token(Ticket& ticket, TimePoint now) noexcept {
  if (!(ticket.first_token_after > 0)) {
    ticket.first_token_after = std::max(seconds(now - ticket.start), kLeastWait);
  }
  if (!pool_.has_residency() || index(ticket.id) >= pool_.capacity()) return;
  const state::Prompts prompts = pool_.shared().prompts();
  const std::size_t i = index(ticket.id);
  if (ticket.is_unread) prompts.fill(i, ticket.uncached_bytes, now);
  if (ticket.is_reading) {
    end_reading(prompts.readings()[i], work_of(ticket.uncached_bytes), true, now);
  }
  ticket.is_unread = ticket.is_reading = false;
}

void Picker::end_prompt(const Ticket& ticket, const Outcome& outcome, TimePoint now) noexcept {
  const state::Prompts prompts = pool_.shared().prompts();
  Reading& reading = prompts.readings()[index(ticket.id)];
  const bool is_good = outcome.result == Result::kOk;
  // Who refuses a prompt, or sends it elsewhere, has not read it.
  const bool is_read = is_good && outcome.kind == AnswerKind::kFull;
  if (ticket.is_reading) end_reading(reading, work_of(ticket.uncached_bytes), is_read, now);
  // Not there at all: whatever it had is gone.
  if (outcome.result == Result::kRefused) prompts.forget(index(ticket.id), stamp_of(now));
  if (!is_read) return;
  const float waited = outcome.first_token >= Duration::zero() ? seconds(outcome.first_token)
                                                               : ticket.first_token_after;
  const float bytes = outcome.completion_tokens != 0
                          ? kBytesPerToken * static_cast<float>(outcome.completion_tokens)
                          : static_cast<float>(outcome.bytes_received);
  const float writing = seconds(now - ticket.start) - waited;
  if (waited > 0 && writing > 0 && bytes > 0) add_written(reading, bytes, writing);
  if (ticket.is_unread) prompts.fill(index(ticket.id), ticket.uncached_bytes, now);
  prompts.fill(index(ticket.id), answer_bytes(ticket, outcome), now);
  learn_cached(prompts, ticket, outcome);
}

}  // namespace leastwise
