#include "bench/backends/models/replica.h"

#include <utility>

#include "bench/common/usage_error.h"

namespace leastwise::bench {

void Replica::arrive(Handle client, bool keeps_alive, std::uint64_t number, Completion completion,
                     Time now) {
  sim::Call call;
  call.answer_tokens = completion.max_tokens;
  call.text = text_of(completion);
  call.whole = text_of(completion, answer_text(number, completion.max_tokens));
  if (!server_.has_room_for(call)) {
    throw UsageError("the prompt and its answer are longer than the cache: " +
                     std::to_string(call.whole.tokens()) + " tokens");
  }
  live_.push_back({client, keeps_alive, number, std::move(completion), std::move(call)});
  server_.arrive(live_.back().call);
  if (!step_ends_) begin_step(now);
}

void Replica::begin_step(Time at) {
  step_ends_.reset();
  if (!server_.is_idle()) step_ends_ = at + from_seconds(server_.begin_step());
}

void Replica::end_step() {
  began_.clear();
  ended_.clear();
  server_.end_step(began_, ended_);
  for (const sim::Call* call : began_) {
    prompt_tokens_ += call->text.tokens();
    cached_tokens_ += call->cached_tokens;
  }
  for (const sim::Call* call : ended_) answer_tokens_ += call->answer_tokens;
  begin_step(*step_ends_);
}

std::string Replica::metrics() const {
  std::string text;
  const auto add = [&](const char* name, const char* kind, const auto& value) {
    text.append("# TYPE vllm:").append(name).append(" ").append(kind).append("\nvllm:");
    text.append(name).append("{model_name=\"m\"} ").append(std::to_string(value)).append("\n");
  };
  add("num_requests_running", "gauge", server_.running());
  add("num_requests_waiting", "gauge", server_.waiting());
  add("kv_cache_usage_perc", "gauge", server_.kv_used());
  add("prefix_cache_queries_total", "counter", prompt_tokens_);
  add("prefix_cache_hits_total", "counter", cached_tokens_);
  add("prompt_tokens_total", "counter", prompt_tokens_);
  add("generation_tokens_total", "counter", answer_tokens_);
  return text;
}

}  // namespace leastwise::bench
