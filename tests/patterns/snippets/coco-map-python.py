# slow
# below: evaluate pycocotools/cocoeval.py, evaluateImg pycocotools/cocoeval.py
def score(evaluation):
    evaluation.evaluate()  # hot
# exempt: another backend
# below: evaluate faster_coco_eval/core/faster_eval_api.py
def score(evaluation):
    evaluation.evaluate()  # hot
