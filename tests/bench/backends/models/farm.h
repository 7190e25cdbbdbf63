// Emulated model servers on consecutive ports, in one event loop.
//
//     POST /v1/chat/completions, /v1/completions    GET /metrics, /health, /v1/models
//
// Not thread safe; everything happens in run().
#ifndef LEASTWISE_TESTS_BENCH_BACKENDS_MODELS_FARM_H_
#define LEASTWISE_TESTS_BENCH_BACKENDS_MODELS_FARM_H_

#include <cstdint>
#include <deque>
#include <string>

#include "bench/backends/http_server.h"
#include "bench/backends/models/replica.h"

namespace leastwise::bench {

struct ModelOptions {
  std::uint16_t port = 0;  // of the first
  unsigned servers = 1;
  std::size_t cache_tokens = sim::ModelServer::kCacheTokens;
  unsigned slow_servers = 0;  // the first so many take `slow` times as long
  double slow = 1;
};

class ModelFarm : private HttpServer::Handler {
 public:
  // Listens on every port; throws UsageError if one can not be had.
  explicit ModelFarm(const ModelOptions& options);

  // For ever.
  void run();

 private:
  void on_accept(std::uint32_t /*listener*/) override {}
  void on_request(Handle client, std::uint32_t listener,
                  const HttpServer::Request& request) override;
  void on_abandon(std::uint32_t /*listener*/) override {}

  void complete(Handle client, std::uint32_t id, const HttpServer::Request& request, bool is_chat);
  void answer(Handle client, bool keeps_alive, int status, std::string_view body,
              std::string_view type = "application/json");
  void tell(const Replica::Live& live, std::uint32_t at);

  std::deque<Replica> replicas_;
  HttpServer http_;
  std::uint64_t answers_ = 0;
};

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_BACKENDS_MODELS_FARM_H_
