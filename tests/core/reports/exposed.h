// What servers expose of themselves: as it was recorded, and as no honest server says it.
#ifndef LEASTWISE_TESTS_CORE_REPORTS_EXPOSED_H_
#define LEASTWISE_TESTS_CORE_REPORTS_EXPOSED_H_

#include <string>
#include <string_view>
#include <vector>

#include "leastwise/probe.h"

namespace leastwise {

// Debian's prometheus-node-exporter 1.5.0, /metrics?collect[]=cpu&collect[]=meminfo, shortened.
inline constexpr std::string_view kNodeExporter =
    R"(# HELP go_goroutines Number of goroutines that currently exist.
# TYPE go_goroutines gauge
go_goroutines 7
# HELP node_cpu_guest_seconds_total Seconds the CPUs spent in guests (VMs) for each mode.
# TYPE node_cpu_guest_seconds_total counter
node_cpu_guest_seconds_total{cpu="0",mode="nice"} 0
node_cpu_guest_seconds_total{cpu="0",mode="user"} 0
node_cpu_guest_seconds_total{cpu="1",mode="nice"} 0
node_cpu_guest_seconds_total{cpu="1",mode="user"} 0
# HELP node_cpu_seconds_total Seconds the CPUs spent in each mode.
# TYPE node_cpu_seconds_total counter
node_cpu_seconds_total{cpu="0",mode="idle"} 226.73
node_cpu_seconds_total{cpu="0",mode="iowait"} 0.83
node_cpu_seconds_total{cpu="0",mode="irq"} 0
node_cpu_seconds_total{cpu="0",mode="nice"} 6.49
node_cpu_seconds_total{cpu="0",mode="softirq"} 1.63
node_cpu_seconds_total{cpu="0",mode="steal"} 1.4
node_cpu_seconds_total{cpu="0",mode="system"} 275.43
node_cpu_seconds_total{cpu="0",mode="user"} 1275.62
node_cpu_seconds_total{cpu="1",mode="idle"} 209.01
node_cpu_seconds_total{cpu="1",mode="iowait"} 4.26
node_cpu_seconds_total{cpu="1",mode="irq"} 0
node_cpu_seconds_total{cpu="1",mode="nice"} 9.38
node_cpu_seconds_total{cpu="1",mode="softirq"} 6.68
node_cpu_seconds_total{cpu="1",mode="steal"} 1.43
node_cpu_seconds_total{cpu="1",mode="system"} 289.6
node_cpu_seconds_total{cpu="1",mode="user"} 1267.36
# HELP node_memory_Mapped_bytes Memory information field Mapped_bytes.
# TYPE node_memory_Mapped_bytes gauge
node_memory_Mapped_bytes 1.0268672e+08
# HELP node_memory_MemAvailable_bytes Memory information field MemAvailable_bytes.
# TYPE node_memory_MemAvailable_bytes gauge
node_memory_MemAvailable_bytes 2.424582144e+10
# HELP node_memory_MemTotal_bytes Memory information field MemTotal_bytes.
# TYPE node_memory_MemTotal_bytes gauge
node_memory_MemTotal_bytes 2.5276059648e+10
# HELP node_scrape_collector_success node_exporter: Whether a collector succeeded.
# TYPE node_scrape_collector_success gauge
node_scrape_collector_success{collector="cpu"} 1
node_scrape_collector_success{collector="meminfo"} 1
)";
// A second of two CPUs later, of which a quarter was idle.
inline constexpr std::string_view kNodeExporterLater =
    R"(# HELP go_goroutines Number of goroutines that currently exist.
# TYPE go_goroutines gauge
go_goroutines 7
# HELP node_cpu_guest_seconds_total Seconds the CPUs spent in guests (VMs) for each mode.
# TYPE node_cpu_guest_seconds_total counter
node_cpu_guest_seconds_total{cpu="0",mode="nice"} 0
node_cpu_guest_seconds_total{cpu="0",mode="user"} 0
node_cpu_guest_seconds_total{cpu="1",mode="nice"} 0
node_cpu_guest_seconds_total{cpu="1",mode="user"} 0
# HELP node_cpu_seconds_total Seconds the CPUs spent in each mode.
# TYPE node_cpu_seconds_total counter
node_cpu_seconds_total{cpu="0",mode="idle"} 226.98
node_cpu_seconds_total{cpu="0",mode="iowait"} 0.83
node_cpu_seconds_total{cpu="0",mode="irq"} 0
node_cpu_seconds_total{cpu="0",mode="nice"} 6.49
node_cpu_seconds_total{cpu="0",mode="softirq"} 1.63
node_cpu_seconds_total{cpu="0",mode="steal"} 1.4
node_cpu_seconds_total{cpu="0",mode="system"} 275.43
node_cpu_seconds_total{cpu="0",mode="user"} 1276.37
node_cpu_seconds_total{cpu="1",mode="idle"} 209.26
node_cpu_seconds_total{cpu="1",mode="iowait"} 4.26
node_cpu_seconds_total{cpu="1",mode="irq"} 0
node_cpu_seconds_total{cpu="1",mode="nice"} 9.38
node_cpu_seconds_total{cpu="1",mode="softirq"} 6.68
node_cpu_seconds_total{cpu="1",mode="steal"} 1.43
node_cpu_seconds_total{cpu="1",mode="system"} 289.6
node_cpu_seconds_total{cpu="1",mode="user"} 1268.11
# HELP node_memory_Mapped_bytes Memory information field Mapped_bytes.
# TYPE node_memory_Mapped_bytes gauge
node_memory_Mapped_bytes 1.0268672e+08
# HELP node_memory_MemAvailable_bytes Memory information field MemAvailable_bytes.
# TYPE node_memory_MemAvailable_bytes gauge
node_memory_MemAvailable_bytes 2.424582144e+10
# HELP node_memory_MemTotal_bytes Memory information field MemTotal_bytes.
# TYPE node_memory_MemTotal_bytes gauge
node_memory_MemTotal_bytes 2.5276059648e+10
# HELP node_scrape_collector_success node_exporter: Whether a collector succeeded.
# TYPE node_scrape_collector_success gauge
node_scrape_collector_success{collector="cpu"} 1
node_scrape_collector_success{collector="meminfo"} 1
)";

// As vLLM's engines write it since 0.10, shortened,
inline constexpr std::string_view kVllm = R"(# HELP python_info Python platform information
# TYPE python_info gauge
python_info{implementation="CPython",major="3",minor="12",patchlevel="9",version="3.12.9"} 1.0
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="Qwen/Qwen2.5-Coder-32B-Instruct"} 7.0
vllm:num_requests_running{engine="1",model_name="Qwen/Qwen2.5-Coder-32B-Instruct"} 5.0
# HELP vllm:num_requests_waiting Number of requests waiting to be processed.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="Qwen/Qwen2.5-Coder-32B-Instruct"} 3.0
vllm:num_requests_waiting{engine="1",model_name="Qwen/Qwen2.5-Coder-32B-Instruct"} 0.0
# HELP vllm:kv_cache_usage_perc KV-cache usage. 1 means 100 percent usage.
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="Qwen/Qwen2.5-Coder-32B-Instruct"} 0.4375
vllm:kv_cache_usage_perc{engine="1",model_name="Qwen/Qwen2.5-Coder-32B-Instruct"} 0.25
# HELP vllm:request_decode_time_seconds Histogram of time spent in DECODE phase for request.
# TYPE vllm:request_decode_time_seconds histogram
vllm:request_decode_time_seconds_bucket{engine="1",le="15.0",model_name="Qwen/Qwen2.5-Coder-32B-Instruct"} 1.0
vllm:request_decode_time_seconds_bucket{engine="1",le="+Inf",model_name="Qwen/Qwen2.5-Coder-32B-Instruct"} 1.0
)";
// and before.
inline constexpr std::string_view kOlderVllm =
    R"(# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{model_name="Qwen/Qwen2.5-Coder-32B-Instruct"} 12.0
# HELP vllm:num_requests_waiting Number of requests waiting to be processed.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{model_name="Qwen/Qwen2.5-Coder-32B-Instruct"} 3.0
# HELP vllm:gpu_cache_usage_perc GPU KV-cache usage. 1 means 100 percent usage.
# TYPE vllm:gpu_cache_usage_perc gauge
vllm:gpu_cache_usage_perc{model_name="Qwen/Qwen2.5-Coder-32B-Instruct"} 0.4375
)";

// As SGLang's manual shows it, shortened.
inline constexpr std::string_view kSglang = R"(# HELP sglang:token_usage The token usage
# TYPE sglang:token_usage gauge
sglang:token_usage{model_name="meta-llama/Llama-3.1-8B-Instruct"} 0.28
# HELP sglang:num_running_reqs The number of running requests
# TYPE sglang:num_running_reqs gauge
sglang:num_running_reqs{model_name="meta-llama/Llama-3.1-8B-Instruct"} 26.0
# HELP sglang:num_queue_reqs The number of requests in the waiting queue
# TYPE sglang:num_queue_reqs gauge
sglang:num_queue_reqs{model_name="meta-llama/Llama-3.1-8B-Instruct"} 2826.0
)";

// llama.cpp since it says nothing of its KV cache, shortened.
inline constexpr std::string_view kLlamaCpp =
    R"(# HELP llamacpp:prompt_tokens_total Number of prompt tokens processed.
# TYPE llamacpp:prompt_tokens_total counter
llamacpp:prompt_tokens_total 143
# HELP llamacpp:requests_processing Number of requests processing.
# TYPE llamacpp:requests_processing gauge
llamacpp:requests_processing 1
# HELP llamacpp:requests_deferred Number of requests deferred.
# TYPE llamacpp:requests_deferred gauge
llamacpp:requests_deferred 0
)";

struct HostileText {
  std::string text;
  ProbeFault fault;
};

// Of a, m (a share), idle and all.
inline std::vector<HostileText> hostile_texts() {
  using enum ProbeFault;
  const std::string deep = std::string(60000, '[') + std::string(5000, ']');
  const std::string objects = [] {
    std::string s;
    for (int i = 0; i < 5000; ++i) s += "{\"a\":";
    return s;
  }();
  return {
      {"", kNoMetrics},
      {" \r\n\t", kNoMetrics},
      {"a", kBadMetrics},
      {"hello", kNoText},
      {std::string(65536, 'x'), kNoText},
      {std::string(65536, '\0'), kNoText},
      {std::string(65536, '\n') + "x", kNoText},
      {"<html><body>a 0.5</body></html>", kNoMetrics},
      {"# a 0.5", kNoText},
      {"b 0.5", kNoMetrics},
      {"ab 0.5", kNoMetrics},
      {"a nan", kNoMetrics},
      {"a NaN", kNoMetrics},
      {"a inf", kBadMetrics},
      {"a +Inf", kBadMetrics},
      {"a -Inf", kBadMetrics},
      {"a -1", kBadMetrics},
      {"a -1e-300", kBadMetrics},
      {"a 1e308", kBadMetrics},
      {"a 1e7", kBadMetrics},
      {"a 1e999", kBadMetrics},
      {"a 1e308\na 1e308", kBadMetrics},
      {"a 0x10", kBadMetrics},
      {"a 0,5", kBadMetrics},
      {"a ++1", kBadMetrics},
      {"a  ", kBadMetrics},
      {"a one", kBadMetrics},
      {"a{", kBadMetrics},
      {"a{}", kBadMetrics},
      {"a{b} 1", kBadMetrics},
      {"a{b=c} 1", kBadMetrics},
      {"a{b=\"c} 1", kBadMetrics},
      {"a{b=\"c\\\"} 1", kBadMetrics},
      {"a{b=\"c\\", kBadMetrics},
      {"a{" + std::string(60000, ',') + "} 1", kBadMetrics},
      {"a \xff\xfe", kBadMetrics},
      {std::string("a \0001", 5), kBadMetrics},
      {"m 1.01", kBadMetrics},
      {"m 50", kBadMetrics},
      {"idle 2\nall 1", kBadMetrics},
      {"all 0\nidle 0", kNoMetrics},
      {"a " + std::string(5000, '9'), kBadMetrics},
      {"{", kNoText},
      {"{}", kNoMetrics},
      {"[]", kNoMetrics},
      {"[0.5]", kNoMetrics},
      {"{\"a\":\"0.5\"}", kNoMetrics},
      {"{\"a\":null}", kNoMetrics},
      {"{\"a\":NaN}", kNoText},
      {"{\"a\":1e999}", kNoText},
      {"{\"a\":-0.5}", kBadMetrics},
      {"{\"a\":0.5}garbage", kNoText},
      {"{\"a\":0.5,}", kNoText},
      {"{\"a\":{\"a\":1}}", kNoMetrics},
      {"{\"a\":[1]}", kNoMetrics},
      {"{\"\\ud800\":1}", kNoText},
      {"{\"a\":1e308,\"a\":1e308}", kBadMetrics},
      {deep, kNoText},
      {objects, kNoText},
  };
}

}  // namespace leastwise

#endif  // LEASTWISE_TESTS_CORE_REPORTS_EXPOSED_H_
