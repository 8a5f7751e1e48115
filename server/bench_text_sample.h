/* What `quire bench tokenize` reads unless it is given a file: sentences that are shuffled into texts of any length. */
#ifndef QUIRE_BENCH_TEXT_SAMPLE_H
#define QUIRE_BENCH_TEXT_SAMPLE_H

#include <stddef.h>

struct sample { /* ends with a row without a name */
    const char *name;
    const char *const *sentences; /* NULL at the end */
};

static const char *const english[] = {
    "The harbour was quiet when the ferry came in, and only two fishermen looked up from their nets. ",
    "\"You're late again,\" said the older one; \"we'd almost given up waiting for the mail.\" ",
    "In 1867 the town had 4,312 inhabitants, a school, three churches and a brewery that nobody mentioned on Sundays. ",
    "A processor spends most of its time waiting for memory, which is why caches matter more than clock rates.\n\n",
    "Professor Margaret O'Sullivan published her findings on photosynthesis in cyanobacteria (see chapter 7, pp. 112-118). ",
    "Please send the invoice to accounts@example.org before Friday, otherwise the order #20931 will be cancelled. ",
    "It isn't that the orchestra played badly; they simply hadn't rehearsed the second movement enough. ",
    "Temperatures fell to -11.5 degrees overnight, and the river froze for the first time in twenty-three years.\n",
    "What would happen if every passenger decided to leave the train at the same station? ",
    "Unfortunately, the manufacturer's documentation contradicts itself: section 3.2 recommends unleaded petrol, "
    "appendix B forbids it. ",
    "She unpacked the telescope, wiped the lenses carefully, and pointed it towards the northern horizon. ",
    "Negotiations between the unions and the government broke down shortly after midnight on Tuesday.\n\n",
    "Our hypothesis is straightforward: sleep deprivation impairs judgement well before it impairs reaction time. ",
    "Cook the onions slowly in butter for about 40 minutes, stirring now and then, until they're soft and golden. ",
    NULL,
};

static const char *const chinese[] = {
    "清晨的港口十分安静，渡船靠岸时只有两个渔夫抬起头来。",
    "“你又迟到了，”年长的那位说，“我们差点不等邮件了。”",
    "1867年，这座小镇有4312名居民、一所学校、三座教堂和一家酿酒厂。",
    "处理器的大部分时间都在等待内存，因此缓存往往比主频更重要。\n",
    "李教授在《植物生理学报》上发表了关于光合作用的最新研究成果（见第七章）。",
    "请在星期五之前把发票寄到财务部，否则订单将被取消！",
    "昨夜气温降到零下十一点五度，河面二十三年来第一次结冰。",
    "如果所有乘客都在同一个车站下车，会发生什么事情呢？",
    "很遗憾，厂家的说明书自相矛盾：3.2节推荐使用无铅汽油，附录B却明令禁止。\n\n",
    "她打开望远镜的箱子，小心地擦干净镜片，然后把它对准北方的地平线。",
    "工会与政府之间的谈判在星期二午夜过后不久破裂。",
    "用黄油小火慢炒洋葱约40分钟，不时翻动，直到变软变黄为止。",
    NULL,
};

static const char *const code[] = {
    "static int compare(const void *a, const void *b)\n{\n    const struct entry *x = a, *y = b;\n\n"
    "    return (x->key > y->key) - (x->key < y->key);\n}\n\n",
    "for (size_t i = 0; i < count; i++) {\n    if (table[i].used && table[i].hash == hash)\n        return &table[i];\n}\n",
    "def load(path, encoding=\"utf-8\"):\n    with open(path, encoding=encoding) as file:\n"
    "        return [line.rstrip(\"\\n\") for line in file if not line.startswith(\"#\")]\n\n\n",
    "class Inventory:\n    \"\"\"Counts what is in stock.\"\"\"\n\n    def __init__(self):\n        self._items = {}\n\n"
    "    def add(self, name, amount=1):\n        self._items[name] = self._items.get(name, 0) + amount\n\n",
    "SELECT customer.name, SUM(invoice.total) AS total\n  FROM customer JOIN invoice ON invoice.customer_id = customer.id\n"
    " WHERE invoice.paid_at IS NULL\n GROUP BY customer.name\nHAVING SUM(invoice.total) > 1000.00;\n",
    "const render = async (request, response) => {\n  const items = await store.find({ owner: request.user.id });\n"
    "  response.json(items.map(({ id, title }) => ({ id, title })));\n};\n\n",
    "#!/bin/sh\nset -eu\nfor name in \"$@\"; do\n    [ -f \"$name\" ] || { echo \"no such file: $name\" >&2; exit 1; }\ndone\n",
    "{\n  \"name\": \"example\",\n  \"version\": \"1.4.2\",\n  \"dependencies\": {\"left\": \"^2.0.1\", \"right\": \">=0.9\"},\n"
    "  \"private\": true\n}\n",
    "fn parse(input: &str) -> Result<Vec<u32>, ParseIntError> {\n"
    "    input.split(',').map(|s| s.trim().parse::<u32>()).collect()\n}\n\n",
    "    mov     eax, dword ptr [rdi + 4*rcx]\n    add     eax, 0x7fffffff\n    jne     .LBB0_3\n",
    NULL,
};

static const struct sample samples[] = {{"english", english}, {"chinese", chinese}, {"code", code}, {NULL, NULL}};

/* Two turns of a chat with tools, over and over. */
static const char chat_tools[] =
    "[{\"type\": \"function\", \"function\": {\"name\": \"get_weather\", \"description\": \"The weather of a place.\","
    " \"parameters\": {\"type\": \"object\", \"properties\": {\"place\": {\"type\": \"string\", \"description\": \"A town.\"},"
    " \"days\": {\"type\": \"integer\", \"minimum\": 1, \"description\": \"How far ahead.\"}}, \"required\": [\"place\"]}}},"
    " {\"type\": \"function\", \"function\": {\"name\": \"search\", \"description\": \"Searches the library.\","
    " \"parameters\": {\"type\": \"object\", \"properties\": {\"query\": {\"type\": \"string\", \"description\": \"Words.\"}},"
    " \"required\": [\"query\"]}}}]";
static const char chat_turns[] =
    "[{\"role\": \"user\", \"content\": \"What will the weather be like in Reykjavik tomorrow, and should I take a coat?\"},"
    " {\"role\": \"assistant\", \"content\": \"Yes, take a coat: 4 degrees and rain are expected, with wind from the north.\"},"
    " {\"role\": \"user\", \"content\": \"Thank you! Please write a short poem about it, four lines will do.\"},"
    " {\"role\": \"assistant\", \"content\": \"Grey the morning, grey the sea,\\nrain upon the window pane,\\n"
    "bring a coat and come with me,\\nwe shall walk into the rain.\"}]";

#endif
