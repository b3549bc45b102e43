# LiveCodeBench for base models: one solved example of the same kind (call or stdin), then the question; the answer is
# code without a fence and ends at the next heading.
livecodebench_base_datasets = [
    dict(
        abbr='livecodebench_generation_base',
        type='evalsuite.datasets.livecodebench.LiveCodeBench',
        example=True,
        reader_cfg=dict(input_columns=['example', 'question_content', 'starter'], output_column='tests'),
        infer_cfg=dict(
            prompt_template=dict(
                type='PromptTemplate',
                template='{example}### Question\n{question_content}\n\n{starter}### Answer\n\n',
            ),
            retriever=dict(type='ZeroRetriever'),
            inferencer=dict(
                type='GenInferencer',
                max_out_len=2048,
                stopping_criteria=['###'],
                generation_kwargs=dict(do_sample=True, temperature=0.2, top_p=0.95),
            ),
        ),
        eval_cfg=dict(
            evaluator=dict(
                type='evalsuite.evaluators.code.livecodebench.LiveCodeBenchEvaluator', fence='none'
            )
        ),
        n=10,
    )
]
