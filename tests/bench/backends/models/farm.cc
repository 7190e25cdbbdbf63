#include "bench/backends/models/farm.h"

#include <algorithm>
#include <utility>

#include "bench/common/query.h"
#include "bench/common/usage_error.h"

namespace leastwise::bench {
namespace {

constexpr std::size_t kMostBody = 16U << 20U;

}  // namespace

ModelFarm::ModelFarm(const ModelOptions& options) : http_(*this, kMostBody) {
  for (unsigned id = 0; id < options.servers; ++id) {
    replicas_.emplace_back(options.cache_tokens, id < options.slow_servers ? options.slow : 1);
    http_.listen(id, "127.0.0.1", static_cast<std::uint16_t>(options.port + id));
  }
}

void ModelFarm::run() {
  for (;;) {
    std::optional<Time> due;
    for (Replica& replica : replicas_) {
      replica.run(now(), [&](const Replica::Live& live, std::uint32_t at) { tell(live, at); });
      const auto next = replica.next_due();
      if (next && (!due || *next < *due)) due = next;
    }
    http_.poll(due);
  }
}

void ModelFarm::on_request(Handle client, std::uint32_t listener,
                           const HttpServer::Request& request) {
  const std::string_view path = path_of(request.target);
  const bool is_chat = path == "/v1/chat/completions";
  if (is_chat || path == "/v1/completions") return complete(client, listener, request, is_chat);
  if (path == "/metrics") {
    return answer(client, request.keeps_alive, 200, replicas_[listener].metrics(), "text/plain");
  }
  if (path == "/health") return answer(client, request.keeps_alive, 200, "{}");
  if (path == "/v1/models") {
    return answer(client, request.keeps_alive, 200, R"({"object":"list","data":[{"id":"m"}]})");
  }
  answer(client, request.keeps_alive, 404, error_body(404, "no such path"));
}

// As vLLM does, a stream's head goes out before its first token.
void ModelFarm::complete(Handle client, std::uint32_t id, const HttpServer::Request& request,
                         bool is_chat) {
  const bool keeps_alive = request.keeps_alive;
  try {
    Completion completion = parse_completion(is_chat, request.body);
    const bool streams = completion.streams;
    replicas_[id].arrive(client, keeps_alive, ++answers_, std::move(completion), now());
    if (streams) http_.send(client, stream_head(keeps_alive), After::kMore);
  } catch (const UsageError& error) {
    answer(client, keeps_alive, 400, error_body(400, error.what()));
  }
}

void ModelFarm::answer(Handle client, bool keeps_alive, int status, std::string_view body,
                       std::string_view type) {
  AnswerSpec spec;
  spec.status = status;
  spec.body = body;
  spec.content_type = type;
  spec.keeps_alive = keeps_alive;
  http_.send(client, render(spec).bytes, after_answer(spec));
}

void ModelFarm::tell(const Replica::Live& live, std::uint32_t at) {
  const bool is_last = live.is_done();
  if (!live.completion.streams) {
    if (!is_last) return;
    const std::string body = whole_answer(live.completion, live.number, live.usage());
    return answer(live.client, live.keeps_alive, 200, body);
  }
  std::string bytes = token_event(live.completion, live.number, at, is_last);
  if (is_last) bytes += last_events(live.completion, live.number, live.usage());
  const After last = live.keeps_alive ? After::kKeepOpen : After::kClose;
  http_.send(live.client, bytes, is_last ? last : After::kMore);
}

}  // namespace leastwise::bench
